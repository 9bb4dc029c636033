package io.moetier.storage.cache;

import java.util.Arrays;
import java.util.function.IntPredicate;

/// The resident experts by layer, and of each layer the one with the lowest estimate, which is searched for
/// only when the estimates of the layer have changed or that expert has left.
final class EstimatedResidents {
    static final int NONE = -1;
    private static final int UNKNOWN = -2;

    private final ExpertLayers layers;
    private final NextUseEstimator estimator;
    private final boolean[] resident; // by cell
    private final int[] lowest; // by layer
    private final float[] lowestEstimate; // by layer, infinite where there is no resident

    EstimatedResidents(ExpertLayers layers, NextUseEstimator estimator) {
        this.layers = layers;
        this.estimator = estimator;
        resident = new boolean[layers.numCells()];
        lowest = new int[layers.numLayers()];
        lowestEstimate = new float[layers.numLayers()];
        Arrays.fill(lowest, UNKNOWN);
    }

    void add(int cell) {
        resident[cell] = true;
        int layer = layers.layerOf(cell);
        float estimate = estimate(layer, cell);
        if (lowest[layer] != UNKNOWN && isLower(estimate, cell, lowestEstimate[layer], lowest[layer])) {
            lowest[layer] = cell;
            lowestEstimate[layer] = estimate;
        }
    }

    void remove(int cell) {
        resident[cell] = false;
        int layer = layers.layerOf(cell);
        if (lowest[layer] == cell) {
            lowest[layer] = UNKNOWN;
        }
    }

    /// Must be told when the estimates of `layer` have changed.
    void estimatesChanged(int layer) {
        lowest[layer] = UNKNOWN;
    }

    float estimate(int layer, int cell) {
        return estimator.estimates(layer)[cell - layers.firstCell(layer)];
    }

    /// Returns the cell of the resident of `layer` with the lowest estimate, among equals the first; or
    /// [#NONE].
    int lowest(int layer) {
        find(layer);
        return lowest[layer];
    }

    /// Returns the estimate of [#lowest(int)], or infinity.
    float lowestEstimate(int layer) {
        find(layer);
        return lowestEstimate[layer];
    }

    /// Does as [#lowest(int)], but passes over the cells for which `kept` is true.
    int lowestBut(int layer, IntPredicate kept) {
        int best = NONE;
        float least = Float.POSITIVE_INFINITY;
        float[] estimates = estimator.estimates(layer);
        int first = layers.firstCell(layer);
        for (int i = 0; i < estimates.length; i++) {
            if (resident[first + i] && estimates[i] < least && !kept.test(first + i)) {
                best = first + i;
                least = estimates[i];
            }
        }
        return best;
    }

    private void find(int layer) {
        if (lowest[layer] == UNKNOWN) {
            int best = NONE;
            float least = Float.POSITIVE_INFINITY;
            float[] estimates = estimator.estimates(layer);
            int first = layers.firstCell(layer);
            for (int i = 0; i < estimates.length; i++) {
                if (resident[first + i] && estimates[i] < least) {
                    best = first + i;
                    least = estimates[i];
                }
            }
            lowest[layer] = best;
            lowestEstimate[layer] = least;
        }
    }

    private static boolean isLower(float estimate, int cell, float least, int best) {
        return estimate < least || (estimate == least && cell < best);
    }
}
