package io.moetier.runtime.offload;

import java.util.Arrays;

/// What it costs to copy an expert to a device, and to compute one on the processor, going by how it went lately.
///
/// Copies that overlap share a link: of each, the time counts in which no other one was measured. The processor's cost
/// for a byte of weights depends on how many rows they are applied to, and is kept for each power of
/// two of these. Means weigh what is recent more; a way that is not taken seems a little cheaper each time, so that it
/// is tried again some day: first measurements, of code that is not compiled yet, are far too high.
///
/// Concurrency: any thread may copy; everything else is the computation's.
public final class MissCosts {
    private static final double RECENT = 0.25; // the weight of a new measurement
    private static final double FORGETTING = 0.998;
    private static final int POWERS = Integer.SIZE;

    private final Loaders loaders;
    private double copyingUntil; // guarded by this, as the next two
    private double copiedBytes;
    private double copyNanos = Double.NaN; // for those bytes
    private final double[] nanosPerComputedByte = new double[POWERS]; // by the power of two of the rows

    /// @param loaders by whose clock all is measured
    MissCosts(Loaders loaders) {
        this.loaders = loaders;
        Arrays.fill(nanosPerComputedByte, Double.NaN);
    }

    /// Returns the time, for [#copied].
    double nanos() {
        return loaders.nanos();
    }

    /// Records that `bytes` were copied from `startNanos` until now.
    synchronized void copied(long bytes, double startNanos) {
        double end = nanos();
        double nanos = Math.max(0, end - Math.max(startNanos, copyingUntil));
        copyingUntil = Math.max(copyingUntil, end);
        copiedBytes = mean(Double.isNaN(copyNanos) ? Double.NaN : copiedBytes, (double) bytes);
        copyNanos = mean(copyNanos, nanos);
    }

    /// Records that the processor took `measuredNanos` for experts of `bytes` together, each applied to about `rows`
    /// rows.
    public void computed(long bytes, int rows, long measuredNanos) {
        double nanos = loaders.computed(bytes, rows, measuredNanos);
        int power = power(rows);
        nanosPerComputedByte[power] = mean(nanosPerComputedByte[power], nanos / bytes);
    }

    /// Returns what a copy takes; NaN if there was none yet.
    synchronized double copyNanos(long bytes) {
        return copyNanos / copiedBytes * bytes;
    }

    /// Returns what the processor takes; NaN if it has computed nothing yet. Numbers of rows that it never had are
    /// judged by the next lower one as if time grew with the rows, else by the next higher one.
    double computeNanos(long bytes, int rows) {
        int power = power(rows);
        for (int lower = power; lower >= 0; lower--) {
            if (!Double.isNaN(nanosPerComputedByte[lower])) {
                return nanosPerComputedByte[lower] * bytes * (1L << (power - lower));
            }
        }
        for (int higher = power; higher < POWERS; higher++) {
            if (!Double.isNaN(nanosPerComputedByte[higher])) {
                return nanosPerComputedByte[higher] * bytes;
            }
        }
        return Double.NaN;
    }

    /// Nothing was copied though it could have been.
    synchronized void forgetCopies() {
        copyNanos *= FORGETTING;
    }

    /// The processor computed nothing though it could have.
    void forgetComputations() {
        for (int power = 0; power < POWERS; power++) {
            nanosPerComputedByte[power] *= FORGETTING;
        }
    }

    private static double mean(double before, double measured) {
        return Double.isNaN(before) ? measured : before + RECENT * (measured - before);
    }

    private static int power(int rows) {
        return POWERS - 1 - Integer.numberOfLeadingZeros(rows);
    }
}
