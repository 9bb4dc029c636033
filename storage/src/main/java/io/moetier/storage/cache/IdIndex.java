package io.moetier.storage.cache;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;

/// Maps the packed ids of one cache to 0, 1, 2, … in the order given, so that all else can be an array. Immutable.
final class IdIndex {
    private static final int UNKNOWN = -1;
    private static final int[] NO_EXPERTS = {};

    private final int[] ids;
    private final int[][] indexes; // by layer and expert, as far as there are any

    /// @throws IllegalArgumentException if an id appears twice
    IdIndex(int[] ids) {
        this.ids = ids.clone();
        int numLayers = Arrays.stream(ids).map(ExpertId::layerOf).max().orElse(-1) + 1;
        int[] numExperts = new int[numLayers];
        for (int id : ids) {
            int layer = ExpertId.layerOf(id);
            numExperts[layer] = Math.max(numExperts[layer], ExpertId.expertOf(id) + 1);
        }
        indexes = new int[numLayers][];
        for (int layer = 0; layer < numLayers; layer++) {
            indexes[layer] = new int[numExperts[layer]];
            Arrays.fill(indexes[layer], UNKNOWN);
        }
        for (int i = 0; i < ids.length; i++) {
            int[] ofLayer = indexes[ExpertId.layerOf(ids[i])];
            if (ofLayer[ExpertId.expertOf(ids[i])] != UNKNOWN) {
                throw new IllegalArgumentException(ExpertId.unpack(ids[i]) + " is listed twice");
            }
            ofLayer[ExpertId.expertOf(ids[i])] = i;
        }
    }

    int size() {
        return ids.length;
    }

    int id(int index) {
        return ids[index];
    }

    /// @throws IllegalArgumentException if `id` was not given to the constructor
    int indexOf(int id) {
        int layer = ExpertId.layerOf(id);
        int expert = ExpertId.expertOf(id);
        int[] ofLayer = layer < indexes.length ? indexes[layer] : NO_EXPERTS;
        int index = expert < ofLayer.length ? ofLayer[expert] : UNKNOWN;
        if (index == UNKNOWN) {
            throw new IllegalArgumentException("unknown expert id " + id);
        }
        return index;
    }
}
