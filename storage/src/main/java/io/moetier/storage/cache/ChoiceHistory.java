package io.moetier.storage.cache;

/// The last decisions of each layer: the experts the gate weighed most, and how strongly.
final class ChoiceHistory {
    /// How many decisions of a layer are kept; the latest has lag 0.
    static final int NUM_LAGS = 3;

    /// How many experts of a decision are kept.
    static final int MAX_CHOICES = 4;

    private final int[] sizes; // [layers, lags], where the lags are a ring
    private final int[] experts; // [layers, lags, choices], counted within the layer, by falling strength
    private final float[] strengths; // of experts
    private final int[] newest; // by layer: where in the ring lag 0 is

    ChoiceHistory(int numLayers) {
        sizes = new int[numLayers * NUM_LAGS];
        experts = new int[sizes.length * MAX_CHOICES];
        strengths = new float[experts.length];
        newest = new int[numLayers];
    }

    /// Begins a decision of `layer`, of which nothing is known yet.
    void begin(int layer) {
        newest[layer] = (newest[layer] + 1) % NUM_LAGS;
        sizes[at(layer, 0)] = 0;
    }

    /// Adds an expert to the latest decision; if there are too many, the weakest is dropped, among equals the
    /// last.
    void add(int layer, int expert, float strength) {
        int decision = at(layer, 0);
        int first = decision * MAX_CHOICES;
        int i = first + sizes[decision];
        if (sizes[decision] < MAX_CHOICES) {
            sizes[decision]++;
        } else if (strength <= strengths[--i]) {
            return;
        }
        for (; i > first && strength > strengths[i - 1]; i--) {
            experts[i] = experts[i - 1];
            strengths[i] = strengths[i - 1];
        }
        experts[i] = expert;
        strengths[i] = strength;
    }

    /// Returns how many experts of the decision are known, at most [#MAX_CHOICES].
    int size(int layer, int lag) {
        return sizes[at(layer, lag)];
    }

    int expert(int layer, int lag, int i) {
        return experts[at(layer, lag) * MAX_CHOICES + i];
    }

    /// Returns the strength given to [#expert(int, int, int)].
    float strength(int layer, int lag, int i) {
        return strengths[at(layer, lag) * MAX_CHOICES + i];
    }

    private int at(int layer, int lag) {
        return layer * NUM_LAGS + (newest[layer] + NUM_LAGS - lag) % NUM_LAGS;
    }
}
