package io.moetier.storage.cache;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;

/// Maps the packed ids of one cache to 0, 1, 2, … in the order given, so that all else can be an array. Immutable.
final class IdIndex {
    private static final int UNKNOWN = -1;

    private final int[] ids;
    private final int[] firstOfLayer; // where the experts of a layer start in `indexes`; one more than there are layers
    private final int[] indexes; // by layer and expert, as far as there are any

    /// @throws IllegalArgumentException if an id appears twice
    IdIndex(int[] ids) {
        this.ids = ids.clone();
        int numLayers = Arrays.stream(ids).map(ExpertId::layerOf).max().orElse(-1) + 1;
        int[] numExperts = new int[numLayers];
        for (int id : ids) {
            int layer = ExpertId.layerOf(id);
            numExperts[layer] = Math.max(numExperts[layer], ExpertId.expertOf(id) + 1);
        }
        firstOfLayer = new int[numLayers + 1];
        for (int layer = 0; layer < numLayers; layer++) {
            firstOfLayer[layer + 1] = firstOfLayer[layer] + numExperts[layer];
        }
        indexes = new int[firstOfLayer[numLayers]];
        Arrays.fill(indexes, UNKNOWN);
        for (int i = 0; i < ids.length; i++) {
            int at = firstOfLayer[ExpertId.layerOf(ids[i])] + ExpertId.expertOf(ids[i]);
            if (indexes[at] != UNKNOWN) {
                throw new IllegalArgumentException(ExpertId.unpack(ids[i]) + " is listed twice");
            }
            indexes[at] = i;
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
        if (layer < firstOfLayer.length - 1) {
            int at = firstOfLayer[layer] + ExpertId.expertOf(id);
            if (at < firstOfLayer[layer + 1] && indexes[at] != UNKNOWN) {
                return indexes[at];
            }
        }
        throw new IllegalArgumentException("unknown expert id " + id);
    }
}
