package io.moetier.lab.simulate;

/// How many decisions of a layer missed how many experts, and what else they needed: enough to tell afterwards what
/// the steps cost on any machine.
public final class StepCounts {
    private final long[] steps; // by number of misses
    private final long[] hits; // by number of misses, all together

    StepCounts(int maxExperts) {
        steps = new long[maxExperts + 1];
        hits = new long[maxExperts + 1];
    }

    void add(int stepHits, int misses) {
        steps[misses]++;
        hits[misses] += stepHits;
    }

    /// Returns the most experts that a step could miss.
    public int maxMisses() {
        return steps.length - 1;
    }

    /// Returns how many steps missed so many experts.
    public long steps(int misses) {
        return steps[misses];
    }

    /// Returns how many experts these steps found, on average.
    public double meanHits(int misses) {
        return steps[misses] == 0 ? 0 : (double) hits[misses] / steps[misses];
    }

    /// Returns the experts that were found.
    public long hits() {
        long sum = 0;
        for (long each : hits) {
            sum += each;
        }
        return sum;
    }

    /// Returns the experts that were not.
    public long misses() {
        long sum = 0;
        for (int misses = 0; misses < steps.length; misses++) {
            sum += misses * steps[misses];
        }
        return sum;
    }
}
