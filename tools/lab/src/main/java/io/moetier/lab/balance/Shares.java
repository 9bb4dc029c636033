package io.moetier.lab.balance;

import java.util.Arrays;

/// Measures of how evenly counts are spread.
final class Shares {
    private Shares() {}

    static double sum(long[] counts) {
        return Arrays.stream(counts).sum();
    }

    /// Returns the entropy in nats.
    static double entropy(long[] counts) {
        double sum = sum(counts);
        double entropy = 0;
        for (long count : counts) {
            entropy -= count == 0 ? 0 : count / sum * Math.log(count / sum);
        }
        return entropy;
    }

    /// Returns the entropy as a share of the most that there could be.
    static double normalisedEntropy(long[] counts) {
        return counts.length < 2 ? 1 : entropy(counts) / Math.log(counts.length);
    }

    /// Returns the standard deviation over the mean.
    static double variation(long[] counts) {
        double mean = sum(counts) / counts.length;
        double squares = 0;
        for (long count : counts) {
            squares += (count - mean) * (count - mean);
        }
        return Math.sqrt(squares / counts.length) / mean;
    }

    /// Returns the share of the largest counts, `percent` of all of them rounded up.
    static double hottest(long[] counts, int percent) {
        long[] sorted = counts.clone();
        Arrays.sort(sorted);
        int hottest = Math.ceilDiv(counts.length * percent, 100);
        return sum(Arrays.copyOfRange(sorted, sorted.length - hottest, sorted.length)) / sum(counts);
    }
}
