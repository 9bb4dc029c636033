package io.moetier.runtime.model.describe;

import io.moetier.storage.model.ExpertId;

/// How large a model may say that it is. A damaged number is refused before a description of that size is made.
public final class Limits {
    /// As many as an [ExpertId] tells apart.
    public static final int LAYERS = ExpertId.MAX_INDEX / 2 + 1;

    /// In all layers together, ten times as many as the largest published models have. Their description takes 100 MB.
    private static final int EXPERTS = 1 << 18;

    /// A dimension, a count or a length. Sums and small multiples of such numbers fit 32 bits.
    public static final int NUMBER = 1 << 26;

    /// Of one layer, thirty times as many as published models have.
    private static final int HEADS = 1 << 12;

    private Limits() {}

    /// Returns how many query heads a layer may have, if there are `layers` of them. Some families describe each head.
    static int headsOfLayer(int layers) {
        return Math.min(HEADS, EXPERTS / layers);
    }

    /// Returns how many experts a layer may have, if there are `layers` of them.
    public static int expertsOfLayer(int layers) {
        return Math.min(ExpertId.MAX_INDEX + 1, EXPERTS / layers);
    }
}
