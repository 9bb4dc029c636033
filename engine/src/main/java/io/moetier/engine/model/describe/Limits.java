package io.moetier.engine.model.describe;

import io.moetier.storage.model.ExpertId;

/// How large a model may say that it is. A damaged number is refused before a description of that size is made.
public final class Limits {
    /// As many as an [ExpertId] tells apart.
    public static final int LAYERS = ExpertId.MAX_INDEX / 2 + 1;

    /// In all layers together, ten times as many as the largest published models have. Their description takes 100 MB.
    private static final int EXPERTS = 1 << 18;

    private Limits() {}

    /// Returns how many experts a layer may have, if there are `layers` of them.
    public static int expertsOfLayer(int layers) {
        return Math.min(ExpertId.MAX_INDEX + 1, EXPERTS / layers);
    }
}
