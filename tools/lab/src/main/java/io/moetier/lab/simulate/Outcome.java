package io.moetier.lab.simulate;

import java.util.List;
import java.util.OptionalDouble;

/// What one policy would have done with one budget.
///
/// @param tokens of the trace, but for those that only fill the caches
/// @param counts by size class
/// @param decodeTokens tokens among them that are no prompt's
/// @param decodeCounts what these needed
public record Outcome(
        String policy,
        SlotPlan plan,
        long tokens,
        List<StepCounts> counts,
        long decodeTokens,
        List<StepCounts> decodeCounts) {
    public Outcome {
        counts = List.copyOf(counts);
        decodeCounts = List.copyOf(decodeCounts);
    }

    public long hits() {
        return counts.stream().mapToLong(StepCounts::hits).sum();
    }

    public long misses() {
        return counts.stream().mapToLong(StepCounts::misses).sum();
    }

    /// Returns the share of needed experts that had a slot, 0 if none was needed.
    public double hitRate() {
        long accesses = hits() + misses();
        return accesses == 0 ? 0 : (double) hits() / accesses;
    }

    /// Returns the experts brought in per token.
    public double copiesPerToken() {
        return tokens == 0
                ? 0
                : (double) counts.stream().mapToLong(StepCounts::brought).sum() / tokens;
    }

    /// Returns the bytes brought in per token.
    public double bytesPerToken(SlotPlan.Sizes sizes) {
        double bytes = 0;
        for (int c = 0; c < counts.size(); c++) {
            bytes += (double) counts.get(c).brought() * sizes.slotBytes().get(c);
        }
        return tokens == 0 ? 0 : bytes / tokens;
    }

    /// Returns the share of the way from `lru` to `optimum` that this outcome goes; below zero it is worse than LRU.
    /// Where the two are equal there is no way to go: who is there has gone all of it, who is worse has no share.
    public OptionalDouble gapClosed(Outcome lru, Outcome optimum) {
        long gap = optimum.hits() - lru.hits();
        if (gap == 0) {
            return hits() == optimum.hits() ? OptionalDouble.of(1) : OptionalDouble.empty();
        }
        return OptionalDouble.of((double) (hits() - lru.hits()) / gap);
    }
}
