package io.moetier.storage.cache;

import org.jspecify.annotations.Nullable;

/// The last decisions of each layer: the experts the gate weighed most, and how strongly.
final class ChoiceHistory {
    /// How many experts of a decision are kept. Where a decision has fewer, the rest have strength 0.
    static final int NUM_CHOICES = 4;

    /// How many decisions of a layer are kept.
    private static final int NUM_LAGS = 3;

    /// What stands for an expert where there is none.
    static final int NO_EXPERT = 0;

    private static final int STRIDE = NUM_LAGS * NUM_CHOICES;

    private final int[] experts; // [layers, lags, choices], counted within the layer, by falling strength
    private final float[] strengths; // of experts

    ChoiceHistory(int numLayers) {
        experts = new int[numLayers * STRIDE];
        strengths = new float[numLayers * STRIDE];
    }

    /// Records a decision of `layer`, which chose its experts `experts[0..n)`.
    ///
    /// @param gateWeights `[n]`, or null if they are not known
    void record(int layer, int[] experts, float @Nullable [] gateWeights, int n) {
        float sum = 0;
        for (int i = 0; gateWeights != null && i < n; i++) {
            sum += gateWeights[i];
        }
        begin(layer);
        // Half for being chosen, half by the gate's weight; 1 on average.
        float perWeight = sum > 0 ? 0.5f * n / sum : 0;
        for (int i = 0; i < n; i++) {
            float strength = gateWeights == null || !(sum > 0) ? 1 : 0.5f + perWeight * gateWeights[i];
            add(layer, experts[i], strength);
        }
    }

    /// Begins a decision of `layer`, of which nothing is known yet.
    private void begin(int layer) {
        int latest = layer * STRIDE;
        for (int i = latest + STRIDE - 1; i >= latest + NUM_CHOICES; i--) {
            experts[i] = experts[i - NUM_CHOICES];
            strengths[i] = strengths[i - NUM_CHOICES];
        }
        for (int i = latest; i < latest + NUM_CHOICES; i++) {
            experts[i] = NO_EXPERT;
            strengths[i] = 0;
        }
    }

    /// Adds an expert to the latest decision; if there are too many, the weakest is dropped, among equals the
    /// last.
    private void add(int layer, int expert, float strength) {
        int first = layer * STRIDE;
        int i = first + NUM_CHOICES - 1;
        if (strength <= strengths[i]) {
            return;
        }
        for (; i > first && strength > strengths[i - 1]; i--) {
            experts[i] = experts[i - 1];
            strengths[i] = strengths[i - 1];
        }
        experts[i] = expert;
        strengths[i] = strength;
    }

    /// Returns choice `i` of the layer's latest decision, or with a lag of one of those before it.
    int expert(int layer, int lag, int i) {
        return experts[layer * STRIDE + lag * NUM_CHOICES + i];
    }

    /// Returns the strength given to [#expert(int, int, int)].
    float strength(int layer, int lag, int i) {
        return strengths[layer * STRIDE + lag * NUM_CHOICES + i];
    }
}
