package io.moetier.runtime.offload;

/// Decides which of the experts that a device lacks are copied to it, and which the processor computes.
///
/// Confined to the thread that computes; allocates nothing.
final class Placement {
    private final Misses misses;
    private final MissCosts costs;
    private double computeNanos; // of the experts of this layer that the processor has been given

    Placement(Misses misses, MissCosts costs) {
        this.misses = misses;
        this.costs = costs;
    }

    /// Says whether a layer may wait for copies.
    boolean copies() {
        return misses != Misses.CPU;
    }

    /// Begins another layer.
    void beginLayer() {
        computeNanos = 0;
    }

    /// Returns how many of the missing experts the processor computes, and moves these to the end.
    ///
    /// @param missing `[n]`, indices into `rows`
    /// @param rows to how many rows each expert is applied
    /// @param bytes of one expert
    int onHost(int[] missing, int n, int[] rows, long bytes) {
        return switch (misses) {
            case COPY -> 0;
            case CPU -> n;
            case AUTO -> n == 0 ? 0 : shortest(missing, n, rows, bytes);
        };
    }

    /// The processor takes the experts with the fewest rows, as many as let the longer of the two ends earliest.
    private int shortest(int[] missing, int n, int[] rows, long bytes) {
        sortByFallingRows(missing, n, rows);
        double copyNanos = costs.copyNanos(bytes);
        if (Double.isNaN(copyNanos)) {
            return 0;
        }
        double onHost = computeNanos;
        double least = Overlap.time(onHost, n * copyNanos, Overlap.WHOLE);
        int best = 0;
        for (int count = 1; count <= n; count++) {
            double nanos = costs.computeNanos(bytes, rows[missing[n - count]]);
            if (Double.isNaN(nanos)) {
                return 1; // to learn what it takes
            }
            onHost += nanos;
            double both = Overlap.time(onHost, (n - count) * copyNanos, Overlap.WHOLE);
            if (both < least) {
                least = both;
                best = count;
                computeNanos = onHost;
            }
        }
        learnAgain(best, n);
        return best;
    }

    private void learnAgain(int onHost, int n) {
        if (onHost == 0) {
            costs.forgetComputations();
        } else if (onHost == n) {
            costs.forgetCopies();
        }
    }

    /// Few are missing, or many have many rows: then sorting is nothing beside computing them.
    private static void sortByFallingRows(int[] missing, int n, int[] rows) {
        for (int i = 1; i < n; i++) {
            int moved = missing[i];
            int at = i;
            for (; at > 0 && rows[missing[at - 1]] < rows[moved]; at--) {
                missing[at] = missing[at - 1];
            }
            missing[at] = moved;
        }
    }
}
