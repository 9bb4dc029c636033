package io.moetier.storage.cache;

import java.util.Arrays;

/// How often each expert was chosen, as exponentially fading averages at several half-lives, kept as
/// logarithms: then fading is a sum, and an estimator can use the values as they are.
final class FadingFrequencies {
    /// In decisions of the layer, that is in tokens: the phrase, the passage, the text. Twice or half as long
    /// each, or one more of 2000, changes no hit rate by more than 0.1 %.
    private static final float[] HALF_LIVES = {6, 30, 200};

    static final int NUM_FEATURES = HALF_LIVES.length;

    /// An expert is never taken to be rarer than this.
    private static final double FLOOR = 1e-3;

    /// What every expert has before anything was seen: top-k over the number of experts is 4/32, 6/64, 8/128,
    /// …
    private static final float INITIAL_LOG = (float) StrictMath.log(0.1);

    /// Halves the logarithms, so that all weights of the estimator are of one size and learn at one rate.
    private static final float SCALE = 0.5f;

    private static final int TABLE_STEPS = 1024;

    private final float[][][] logs; // [layers, features, experts]
    private final float[] fading = new float[NUM_FEATURES];
    private final FunctionTable[] chosen = new FunctionTable[NUM_FEATURES];
    private final float floor = (float) StrictMath.log(FLOOR);

    FadingFrequencies(ExpertLayers layers) {
        logs = new float[layers.numLayers()][NUM_FEATURES][];
        for (int layer = 0; layer < logs.length; layer++) {
            for (int f = 0; f < NUM_FEATURES; f++) {
                logs[layer][f] = new float[layers.width(layer)];
                Arrays.fill(logs[layer][f], INITIAL_LOG);
            }
        }
        for (int f = 0; f < NUM_FEATURES; f++) {
            double kept = StrictMath.pow(0.5, 1 / HALF_LIVES[f]);
            fading[f] = (float) StrictMath.log(kept);
            chosen[f] = new FunctionTable(
                    floor, 0, TABLE_STEPS, log -> StrictMath.log(StrictMath.exp(log) * kept + 1 - kept));
        }
    }

    /// Takes in a decision of `layer`, which chose its experts `experts[0..n)`.
    void update(int layer, int[] experts, int n) {
        for (int f = 0; f < NUM_FEATURES; f++) {
            float[] log = logs[layer][f];
            for (int i = 0; i < n; i++) { // and what fading takes away below
                log[experts[i]] = chosen[f].at(log[experts[i]]) - fading[f];
            }
            fade(log, fading[f], floor);
        }
    }

    /// Writes the features of the layer's experts, `[features, experts]`: about 0 for one of average
    /// frequency.
    void copy(int layer, float[][] features) {
        for (int f = 0; f < NUM_FEATURES; f++) {
            scale(logs[layer][f], features[f]);
        }
    }

    private static void fade(float[] log, float fading, float floor) {
        for (int i = 0; i < log.length; i++) {
            log[i] = Math.max(log[i] + fading, floor);
        }
    }

    private static void scale(float[] log, float[] feature) {
        for (int i = 0; i < log.length; i++) {
            feature[i] = (log[i] - INITIAL_LOG) * SCALE;
        }
    }
}
