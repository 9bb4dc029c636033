package io.moetier.storage.cache;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;

/// The ids of a cache in cells 0, 1, 2, …, sorted so that the experts of a layer lie side by side. Immutable.
final class ExpertLayers {
    private static final int NONE = -1;

    private final IdIndex index;
    private final int[] firstCell; // by layer, one more than there are layers
    private final int[] layerByNumber; // from a decoder layer to 0, 1, 2, …
    private int maxWidth;

    /// @throws IllegalArgumentException if an id appears twice
    ExpertLayers(int[] ids) {
        int[] sorted = ids.clone();
        Arrays.sort(sorted);
        index = new IdIndex(sorted);
        int[] numbers = Arrays.stream(sorted).map(ExpertId::layerOf).distinct().toArray();
        layerByNumber = new int[numbers.length == 0 ? 0 : numbers[numbers.length - 1] + 1];
        Arrays.fill(layerByNumber, NONE);
        firstCell = new int[numbers.length + 1];
        for (int layer = 0; layer < numbers.length; layer++) {
            int number = numbers[layer];
            layerByNumber[number] = layer;
            int width = (int) Arrays.stream(sorted)
                    .filter(id -> ExpertId.layerOf(id) == number)
                    .count();
            firstCell[layer + 1] = firstCell[layer] + width;
            maxWidth = Math.max(maxWidth, width);
        }
    }

    int numCells() {
        return index.size();
    }

    int numLayers() {
        return firstCell.length - 1;
    }

    /// Returns the most experts that a layer has.
    int maxWidth() {
        return maxWidth;
    }

    /// Returns how many experts the layer has.
    int width(int layer) {
        return firstCell[layer + 1] - firstCell[layer];
    }

    int firstCell(int layer) {
        return firstCell[layer];
    }

    /// Returns a decoder layer counted from zero among the layers that have experts, or -1 if it has none.
    int numberOf(int decoderLayer) {
        return decoderLayer < layerByNumber.length ? layerByNumber[decoderLayer] : NONE;
    }

    /// Returns which expert of its decoder layer it is that is counted `i` here: some may be in other caches.
    int expertAt(int layer, int i) {
        return ExpertId.expertOf(id(firstCell[layer] + i));
    }

    int id(int cell) {
        return index.id(cell);
    }

    /// @throws IllegalArgumentException if `id` is unknown
    int cell(int id) {
        return index.indexOf(id);
    }

    /// Returns the layer of a cell, counted from zero among the layers that have experts.
    int layerOf(int cell) {
        return layerByNumber[ExpertId.layerOf(index.id(cell))];
    }
}
