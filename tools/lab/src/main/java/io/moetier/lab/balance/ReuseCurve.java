package io.moetier.lab.balance;

import java.util.stream.LongStream;

/// How far back the last use of what is chosen lies: the share of choices for which it lies within a distance.
///
/// Distances beyond the longest that is told apart lie within none.
public final class ReuseCurve {
    private final long[] counts;
    private long beyond;
    private long first;

    /// @param longest distance that is told apart
    ReuseCurve(int longest) {
        counts = new long[longest + 1];
    }

    /// Counts a choice that was used before.
    void add(long distance) {
        if (distance < counts.length) {
            counts[(int) distance]++;
        } else {
            beyond++;
        }
    }

    /// Counts a choice that was never used before.
    void addFirst() {
        first++;
    }

    /// Adds what another curve counted, which tells no longer distances apart.
    void addAll(ReuseCurve other) {
        for (int distance = 0; distance < other.counts.length; distance++) {
            counts[distance] += other.counts[distance];
        }
        beyond += other.beyond;
        first += other.first;
    }

    /// Returns the share of choices whose distance is at most `distance`.
    public double within(int distance) {
        int end = Math.min(distance + 1, counts.length);
        return share(LongStream.of(counts).limit(Math.max(0, end)).sum());
    }

    /// Returns the share of choices that were the first of their kind.
    public double first() {
        return share(first);
    }

    /// Returns the longest distance that is told apart.
    public int longest() {
        return counts.length - 1;
    }

    private double share(long part) {
        long all = LongStream.of(counts).sum() + beyond + first;
        return all == 0 ? 0 : (double) part / all;
    }
}
