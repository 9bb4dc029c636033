package io.moetier.runtime.offload;

/// Asks [Misses] which of the experts that a device lacks are copied to it, and which the processor computes, by what
/// both have lately taken.
///
/// Confined to the thread that computes; allocates nothing after construction.
final class Placement {
    private final Misses misses;
    private final MissCosts costs;
    private final double[] processorNanos; // until so many are done, after those of this layer that it was given before

    /// @param maxExperts the most experts that a layer has
    Placement(Misses misses, MissCosts costs, int maxExperts) {
        this.misses = misses;
        this.costs = costs;
        processorNanos = new double[maxExperts + 1];
    }

    /// Says whether a layer may wait for copies.
    boolean copies() {
        return misses != Misses.CPU;
    }

    /// Begins another layer.
    void beginLayer() {
        processorNanos[0] = 0;
    }

    /// Returns how many of the missing experts the processor computes, and moves these to the end: those with the
    /// fewest rows, the last one first.
    ///
    /// @param missing `[n]`, indices into `rows`
    /// @param rows to how many rows each expert is applied
    /// @param bytes of one expert
    int onProcessor(int[] missing, int n, int[] rows, long bytes) {
        if (misses != Misses.AUTO || n == 0) {
            return misses.onProcessor(n, Double.NaN, processorNanos);
        }
        sortByFallingRows(missing, n, rows);
        double copyNanos = costs.copyNanos(bytes);
        if (Double.isNaN(copyNanos)) {
            return 0; // to learn what it takes
        }
        for (int count = 1; count <= n; count++) {
            double nanos = costs.computeNanos(bytes, rows[missing[n - count]]);
            if (Double.isNaN(nanos)) {
                return 1;
            }
            processorNanos[count] = processorNanos[count - 1] + nanos;
        }
        int onProcessor = misses.onProcessor(n, copyNanos, processorNanos);
        processorNanos[0] = processorNanos[onProcessor];
        learnAgain(onProcessor, n);
        return onProcessor;
    }

    private void learnAgain(int onProcessor, int n) {
        if (onProcessor == 0) {
            costs.forgetComputations();
        } else if (onProcessor == n) {
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
