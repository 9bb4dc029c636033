package io.moetier.lab.calibrate;

import java.util.Arrays;

/// Durations of one thing done over and over. Adding seldom allocates.
final class Times {
    private static final int FIRST_CAPACITY = 1 << 10;

    private long[] nanos = new long[FIRST_CAPACITY];
    private int size;

    void add(long duration) {
        if (size == nanos.length) {
            nanos = Arrays.copyOf(nanos, 2 * size);
        }
        nanos[size++] = duration;
    }

    void addAll(Times others) {
        Arrays.stream(others.nanos, 0, others.size).forEach(this::add);
    }

    int size() {
        return size;
    }

    /// Returns the mean, in which no time counts as more than twice the median: what took longer was held up
    /// by something else that had the cores.
    ///
    /// @throws IllegalStateException if there are none
    double typicalSeconds() {
        long[] sorted = sorted();
        long most = 2 * sorted[size / 2];
        return 1e-9
                * Arrays.stream(sorted)
                        .mapToDouble(each -> Math.min(each, most))
                        .sum()
                / size;
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
