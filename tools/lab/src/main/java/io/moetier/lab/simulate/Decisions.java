package io.moetier.lab.simulate;

import java.util.Arrays;

/// A stretch of a trace as caches see it: what the router of one layer chose, decision after decision.
///
/// Filled by one thread, then read by any number of them.
final class Decisions {
    /// Enough that handing a stretch to another thread costs nothing beside it.
    static final int MOST_DECISIONS = 1 << 14;

    private int[] layers = new int[MOST_DECISIONS];
    private int[] ends = new int[MOST_DECISIONS];
    private boolean[] weighted = new boolean[MOST_DECISIONS];
    private boolean[] counted = new boolean[MOST_DECISIONS];
    private boolean[] decoded = new boolean[MOST_DECISIONS];
    private int[] ids = new int[MOST_DECISIONS * 4];
    private float[] weights = new float[MOST_DECISIONS * 4];
    private int size;
    private int numIds;

    void clear() {
        size = 0;
        numIds = 0;
    }

    /// Adds the choice `chosen[0..n)` of a layer, packed ids with their weights.
    ///
    /// @param isCounted whether caches are full, as far as they get
    /// @param isDecoded whether it is that of a token after the prompt
    void add(
            int layer,
            int[] chosen,
            float[] chosenWeights,
            int n,
            boolean hasWeights,
            boolean isCounted,
            boolean isDecoded) {
        if (size == layers.length) {
            layers = Arrays.copyOf(layers, 2 * size);
            ends = Arrays.copyOf(ends, 2 * size);
            weighted = Arrays.copyOf(weighted, 2 * size);
            counted = Arrays.copyOf(counted, 2 * size);
            decoded = Arrays.copyOf(decoded, 2 * size);
        }
        while (numIds + n > ids.length) {
            ids = Arrays.copyOf(ids, 2 * ids.length);
            weights = Arrays.copyOf(weights, 2 * weights.length);
        }
        System.arraycopy(chosen, 0, ids, numIds, n);
        System.arraycopy(chosenWeights, 0, weights, numIds, n);
        numIds += n;
        layers[size] = layer;
        weighted[size] = hasWeights;
        counted[size] = isCounted;
        decoded[size] = isDecoded;
        ends[size++] = numIds;
    }

    /// Says whether the next ones had better go elsewhere.
    boolean isFull() {
        return size >= MOST_DECISIONS;
    }

    int size() {
        return size;
    }

    /// Returns the layer of a decision, as the trace counts them.
    int layer(int decision) {
        return layers[decision];
    }

    boolean weighted(int decision) {
        return weighted[decision];
    }

    boolean counted(int decision) {
        return counted[decision];
    }

    boolean decoded(int decision) {
        return decoded[decision];
    }

    /// Returns how many experts a decision has, after copying their ids and weights to the arrays.
    int copy(int decision, int[] toIds, float[] toWeights) {
        int from = decision == 0 ? 0 : ends[decision - 1];
        int n = ends[decision] - from;
        System.arraycopy(ids, from, toIds, 0, n);
        System.arraycopy(weights, from, toWeights, 0, n);
        return n;
    }
}
