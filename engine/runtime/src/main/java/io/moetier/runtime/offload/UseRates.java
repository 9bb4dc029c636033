package io.moetier.runtime.offload;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;

/// How likely each expert is to be chosen at its layer's next turn, by how often it was of late.
///
/// A mean that forgets, whatever the policy does: a turn of a layer weighs [#WEIGHT], and each turn before it less by
/// that share. Allocates nothing after construction.
final class UseRates {
    /// The last 17 turns have half of the weight; half-lives from 8 to 64 tokens differ by less than a point of hits.
    private static final float WEIGHT = 0.04f;

    private final float[][] rates; // by layer, then expert

    UseRates(int[] ids) {
        rates = new float[Arrays.stream(ids).map(ExpertId::layerOf).max().orElse(-1) + 1][];
        for (int layer = 0; layer < rates.length; layer++) {
            int ofLayer = layer;
            int numExperts = Arrays.stream(ids)
                            .filter(id -> ExpertId.layerOf(id) == ofLayer)
                            .map(ExpertId::expertOf)
                            .max()
                            .orElse(-1)
                    + 1;
            rates[layer] = new float[numExperts];
        }
    }

    /// Records that these distinct experts of one layer were chosen, and no others of it.
    void onDecision(int[] ids, int n) {
        if (n == 0) {
            return;
        }
        float[] ofLayer = rates[ExpertId.layerOf(ids[0])];
        for (int expert = 0; expert < ofLayer.length; expert++) {
            ofLayer[expert] *= 1 - WEIGHT;
        }
        for (int i = 0; i < n; i++) {
            ofLayer[ExpertId.expertOf(ids[i])] += WEIGHT;
        }
    }

    float of(int id) {
        return rates[ExpertId.layerOf(id)][ExpertId.expertOf(id)];
    }
}
