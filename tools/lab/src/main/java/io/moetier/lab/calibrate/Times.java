package io.moetier.lab.calibrate;

import java.util.Arrays;

/// Durations of one thing done over and over. Adding seldom allocates.
final class Times {
    private static final int FIRST_CAPACITY = 1 << 10;
    private static final double KEPT_SHARE = 0.98;

    private long[] nanos = new long[FIRST_CAPACITY];
    private int size;

    void add(long duration) {
        if (size == nanos.length) {
            nanos = Arrays.copyOf(nanos, 2 * size);
        }
        nanos[size++] = duration;
    }

    int size() {
        return size;
    }

    /// Returns the mean but for the longest few, in which something else had the cores.
    ///
    /// @throws IllegalStateException if there are none
    double meanSeconds() {
        long[] sorted = sorted();
        int kept = Math.max(1, (int) (KEPT_SHARE * size));
        return 1e-9 * Arrays.stream(sorted, 0, kept).average().orElseThrow();
    }

    /// Returns the time in the middle.
    ///
    /// @throws IllegalStateException if there are none
    double medianSeconds() {
        return 1e-9 * sorted()[size / 2];
    }

    /// Returns the shortest time.
    ///
    /// @throws IllegalStateException if there are none
    double leastSeconds() {
        return 1e-9 * sorted()[0];
    }

    private long[] sorted() {
        if (size == 0) {
            throw new IllegalStateException("nothing was timed");
        }
        long[] sorted = Arrays.copyOf(nanos, size);
        Arrays.sort(sorted);
        return sorted;
    }
}
