package io.moetier.lab.foreign;

import io.moetier.storage.model.Tier;
import java.util.Arrays;
import java.util.stream.IntStream;

/// The experts that a token chose in a layer, by falling weight; the arrays are handed over and must not change.
final class Choice {
    static final Choice NONE = of();

    private final int[] experts;
    private final float[] weights;
    private final Tier[] tiers;

    /// Takes `weights` and `tiers` of the same length as `experts`, or empty ones where nothing is known.
    Choice(int[] experts, float[] weights, Tier[] tiers) {
        this.experts = experts;
        this.weights = weights;
        this.tiers = tiers;
    }

    /// Returns a choice of which nothing else is known.
    static Choice of(int... experts) {
        return new Choice(experts, new float[0], new Tier[0]);
    }

    int[] experts() {
        return experts;
    }

    float[] weights() {
        return weights;
    }

    Tier[] tiers() {
        return tiers;
    }

    boolean isWeighted() {
        return weights.length == experts.length
                && IntStream.range(0, weights.length).allMatch(i -> Float.isFinite(weights[i]));
    }

    boolean isTiered() {
        return tiers.length == experts.length;
    }

    /// Says whether these are different experts from 0 to `numExperts - 1`.
    static boolean areDistinct(int[] experts, int numExperts) {
        return Arrays.stream(experts).allMatch(expert -> expert >= 0 && expert < numExperts)
                && Arrays.stream(experts).distinct().count() == experts.length;
    }
}
