package io.moetier.tools.calibrate;

import java.util.Arrays;

/// Durations of one thing done over and over. Adding allocates nothing; beyond the capacity nothing is added.
final class Times {
    private static final int CAPACITY = 1 << 14;
    private static final double KEPT_SHARE = 0.98;

    private final long[] nanos = new long[CAPACITY];
    private int size;

    void add(long duration) {
        if (size < CAPACITY) {
            nanos[size++] = duration;
        }
    }

    int size() {
        return size;
    }

    /// Returns the mean but for the longest few, in which something else had the cores.
    ///
    /// @throws IllegalStateException if there are none
    double meanSeconds() {
        if (size == 0) {
            throw new IllegalStateException("nothing was timed");
        }
        long[] sorted = Arrays.copyOf(nanos, size);
        Arrays.sort(sorted);
        int kept = Math.max(1, (int) (KEPT_SHARE * size));
        return 1e-9 * Arrays.stream(sorted, 0, kept).average().orElseThrow();
    }

    /// Returns the time in the middle.
    ///
    /// @throws IllegalStateException if there are none
    double medianSeconds() {
        if (size == 0) {
            throw new IllegalStateException("nothing was timed");
        }
        long[] sorted = Arrays.copyOf(nanos, size);
        Arrays.sort(sorted);
        return 1e-9 * sorted[size / 2];
    }
}
