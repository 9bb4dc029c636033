package io.moetier.lab.throughput;

import java.util.Arrays;

/// Middle values.
public final class Medians {
    private Medians() {}

    /// Returns the middle value, or the mean of the two in the middle.
    ///
    /// @throws IllegalArgumentException if there is none
    public static double of(double... values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("a median of nothing");
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return ofSorted(sorted, 0.5);
    }

    /// Returns the value below which a share of the values lies, between two of them in proportion.
    static double ofSorted(double[] sorted, double share) {
        double at = share * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
}
