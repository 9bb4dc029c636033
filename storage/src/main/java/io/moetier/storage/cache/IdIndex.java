package io.moetier.storage.cache;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;

/// Maps the packed ids of one cache to 0, 1, 2, … in the order given, so that all else can be an array. Immutable.
public final class IdIndex {
    private static final int UNKNOWN = -1;

    private final int[] ids;
    private final int width; // of the layer with the most experts
    private final int[] rowOfLayer; // where its experts start in `indexes`; of layers without any the first row
    private final int[] indexes; // [1 + layers with experts, width], as far as there are any

    /// @throws IllegalArgumentException if an id appears twice
    public IdIndex(int[] ids) {
        this.ids = ids.clone();
        int[] layers = Arrays.stream(ids).map(ExpertId::layerOf).distinct().toArray();
        width = Arrays.stream(ids).map(ExpertId::expertOf).max().orElse(-1) + 1;
        rowOfLayer = new int[Arrays.stream(layers).max().orElse(-1) + 1];
        for (int i = 0; i < layers.length; i++) {
            rowOfLayer[layers[i]] = (i + 1) * width;
        }
        indexes = new int[(layers.length + 1) * width];
        Arrays.fill(indexes, UNKNOWN);
        for (int i = 0; i < ids.length; i++) {
            int at = rowOfLayer[ExpertId.layerOf(ids[i])] + ExpertId.expertOf(ids[i]);
            if (indexes[at] != UNKNOWN) {
                throw new IllegalArgumentException(ExpertId.unpack(ids[i]) + " is listed twice");
            }
            indexes[at] = i;
        }
    }

    /// Returns how many ids there are.
    public int size() {
        return ids.length;
    }

    int[] ids() {
        return ids.clone();
    }

    /// Returns the id at `index`.
    public int id(int index) {
        return ids[index];
    }

    /// Returns where `id` is in the order given.
    ///
    /// @throws IllegalArgumentException if `id` was not given to the constructor
    public int indexOf(int id) {
        int layer = ExpertId.layerOf(id);
        int expert = ExpertId.expertOf(id);
        if (layer < rowOfLayer.length && expert < width) {
            int index = indexes[rowOfLayer[layer] + expert];
            if (index != UNKNOWN) {
                return index;
            }
        }
        throw new IllegalArgumentException("unknown expert id " + id);
    }
}
