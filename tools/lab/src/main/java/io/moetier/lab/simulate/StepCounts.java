package io.moetier.lab.simulate;

import java.util.stream.LongStream;

/// How many decisions of a layer missed how many experts, and what else they needed: enough to tell afterwards what
/// the steps cost on any machine that computes missing experts in the same places.
public final class StepCounts {
    private final long[] steps; // by number of misses
    private final long[] hits; // by number of misses, all together
    private final long[] brought; // by number of misses, all together

    StepCounts(int maxExperts) {
        steps = new long[maxExperts + 1];
        hits = new long[maxExperts + 1];
        brought = new long[maxExperts + 1];
    }

    /// Returns what was counted elsewhere, by number of misses.
    ///
    /// @throws IllegalArgumentException if these are not of one length, or a number is below 0
    public static StepCounts of(long[] steps, long[] hits, long[] brought) {
        StepCounts counts = new StepCounts(steps.length - 1);
        if (hits.length != steps.length || brought.length != steps.length) {
            throw new IllegalArgumentException(
                    "counts of " + steps.length + ", " + hits.length + " and " + brought.length + " numbers of misses");
        }
        for (int misses = 0; misses < steps.length; misses++) {
            if (steps[misses] < 0 || hits[misses] < 0 || brought[misses] < 0) {
                throw new IllegalArgumentException("counts below 0 at " + misses + " misses");
            }
            counts.steps[misses] = steps[misses];
            counts.hits[misses] = hits[misses];
            counts.brought[misses] = brought[misses];
        }
        return counts;
    }

    /// Returns what steps need that choose `chosen` experts each, of which each has a slot with the same chance.
    ///
    /// @param hitRate that chance
    /// @param number of steps, the more the finer are their shares
    public static StepCounts ofChance(int chosen, double hitRate, long number) {
        StepCounts counts = new StepCounts(chosen);
        double ways = 1; // to miss so many of them
        for (int misses = 0; misses <= chosen; misses++) {
            double share = ways * Math.pow(1 - hitRate, misses) * Math.pow(hitRate, chosen - misses);
            long steps = Math.round(share * number);
            counts.steps[misses] = steps;
            counts.hits[misses] = steps * (chosen - misses);
            counts.brought[misses] = steps * misses;
            ways = ways * (chosen - misses) / (misses + 1);
        }
        return counts;
    }

    /// @param stepBrought the experts that came into the cache's memory
    void add(int stepHits, int misses, int stepBrought) {
        steps[misses]++;
        hits[misses] += stepHits;
        brought[misses] += stepBrought;
    }

    /// Returns the most experts that a step could miss.
    public int maxMisses() {
        return steps.length - 1;
    }

    /// Returns how many steps missed so many experts.
    public long steps(int misses) {
        return steps[misses];
    }

    /// Returns how many experts these steps found, all together.
    public long hits(int misses) {
        return hits[misses];
    }

    /// Returns how many experts these steps brought in, all together.
    public long brought(int misses) {
        return brought[misses];
    }

    /// Returns how many experts these steps found, on average.
    public double meanHits(int misses) {
        return mean(hits, misses);
    }

    /// Returns how many experts these steps brought in, on average.
    public double meanBrought(int misses) {
        return mean(brought, misses);
    }

    private double mean(long[] sums, int misses) {
        return steps[misses] == 0 ? 0 : (double) sums[misses] / steps[misses];
    }

    /// Returns the experts that were found.
    public long hits() {
        return LongStream.of(hits).sum();
    }

    /// Returns the experts that were not.
    public long misses() {
        long sum = 0;
        for (int misses = 0; misses < steps.length; misses++) {
            sum += misses * steps[misses];
        }
        return sum;
    }

    /// Returns the experts that were brought in: those that were not found, unless another processor computed them.
    public long brought() {
        return LongStream.of(brought).sum();
    }
}
