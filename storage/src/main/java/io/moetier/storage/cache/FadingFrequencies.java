package io.moetier.storage.cache;

import java.util.Arrays;

/// How often each expert was chosen, as exponentially fading averages at several half-lives, kept as
/// logarithms: then fading is a sum, and an estimator can use the values as they are.
///
/// The logarithms are integers, counted in [#UNIT]s: processors have an instruction for the greater of two
/// integers, but none for Java's greater of two floats.
final class FadingFrequencies {
    /// In decisions of the layer, that is in tokens: the phrase, the passage, the text. Twice or half as long
    /// each, or one more of 2000, changes no hit rate by more than 0.1 %.
    private static final float[] HALF_LIVES = {6, 30, 200};

    static final int NUM_FEATURES = HALF_LIVES.length;

    private static final double UNIT = 1.0 / (1 << 16);

    /// An expert is never taken to be rarer than 1/1000.
    private static final int FLOOR = inUnits(StrictMath.log(1e-3));

    /// What every expert has before anything was seen: top-k over the number of experts is 4/32, 6/64, 8/128,
    /// …
    private static final int INITIAL_LOG = inUnits(StrictMath.log(0.1));

    /// Halves the logarithms, so that all weights of the estimator are of one size and learn at one rate.
    private static final float SCALE = (float) (0.5 * UNIT);

    /// A step of the table of gains is 1/64.
    private static final int TABLE_SHIFT = 10;

    private static final int RECENT = 1; // of HALF_LIVES
    private static final float[] NO_WEIGHTS = new float[NUM_FEATURES];

    private final int[][][] logs; // [layers, features, experts]
    private final int[] fading = new int[NUM_FEATURES];
    private final float[] ignored; // [experts]
    private final int[][] gains = new int[NUM_FEATURES][]; // [features, steps above the floor]: of a chosen expert

    FadingFrequencies(ExpertLayers layers) {
        logs = new int[layers.numLayers()][NUM_FEATURES][];
        for (int layer = 0; layer < logs.length; layer++) {
            for (int f = 0; f < NUM_FEATURES; f++) {
                logs[layer][f] = new int[layers.width(layer)];
                Arrays.fill(logs[layer][f], INITIAL_LOG);
            }
        }
        ignored = new float[layers.maxWidth()];
        for (int f = 0; f < NUM_FEATURES; f++) {
            double kept = StrictMath.pow(0.5, 1 / HALF_LIVES[f]);
            fading[f] = inUnits(StrictMath.log(kept));
            gains[f] = gains(kept);
        }
    }

    /// Records a decision of `layer`, which chose its experts `experts[0..n)`.
    void update(int layer, int[] experts, int n) {
        update(layer, experts, n, 0, NO_WEIGHTS, ignored);
    }

    /// Returns how often an expert was chosen of late, as a logarithm.
    int recent(int layer, int expert) {
        return logs[layer][RECENT][expert];
    }

    /// Does as [#update(int, int\[\], int)], and writes to `logits` what the
    /// features say then: `bias` plus the sum of the features times `weights`.
    void update(int layer, int[] experts, int n, float bias, float[] weights, float[] logits) {
        int[][] log = logs[layer];
        for (int f = 0; f < NUM_FEATURES; f++) {
            choose(log[f], gains[f], experts, n);
        }
        float a = SCALE * weights[0];
        float b = SCALE * weights[1];
        float c = SCALE * weights[2];
        float constant = bias - INITIAL_LOG * (a + b + c);
        fade(log[0], log[1], log[2], a, b, c, constant, logits);
    }

    /// Writes to `logits` what the features of the layer's experts say: `bias` plus their sum times `weights`.
    void weigh(int layer, float bias, float[] weights, float[] logits) {
        int[][] log = logs[layer];
        float a = SCALE * weights[0];
        float b = SCALE * weights[1];
        float c = SCALE * weights[2];
        float constant = bias - INITIAL_LOG * (a + b + c);
        for (int i = 0; i < log[0].length; i++) {
            logits[i] = constant + a * log[0][i] + b * log[1][i] + c * log[2][i];
        }
    }

    /// Writes the features of the layer's experts, `[features, experts]`: about 0 for one of average
    /// frequency.
    void copy(int layer, float[][] features) {
        for (int f = 0; f < NUM_FEATURES; f++) {
            scale(logs[layer][f], features[f]);
        }
    }

    private static void choose(int[] log, int[] gains, int[] experts, int n) {
        for (int i = 0; i < n; i++) {
            int expert = experts[i];
            log[expert] += gains[(log[expert] - FLOOR) >> TABLE_SHIFT];
        }
    }

    private void fade(int[] p, int[] q, int[] r, float a, float b, float c, float constant, float[] logits) {
        int fadingP = fading[0];
        int fadingQ = fading[1];
        int fadingR = fading[2];
        for (int i = 0; i < p.length; i++) {
            int logP = Math.max(p[i] + fadingP, FLOOR);
            int logQ = Math.max(q[i] + fadingQ, FLOOR);
            int logR = Math.max(r[i] + fadingR, FLOOR);
            p[i] = logP;
            q[i] = logQ;
            r[i] = logR;
            logits[i] = constant + a * logP + b * logQ + c * logR;
        }
    }

    private static void scale(int[] log, float[] feature) {
        for (int i = 0; i < log.length; i++) {
            feature[i] = (log[i] - INITIAL_LOG) * SCALE;
        }
    }

    /// Returns by how much the logarithm of an average rises when its expert is chosen, over what fading takes
    /// away.
    private static int[] gains(double kept) {
        int[] gains = new int[(-FLOOR >> TABLE_SHIFT) + 1];
        for (int step = 0; step < gains.length; step++) {
            double log = (FLOOR + ((step + 0.5) * (1 << TABLE_SHIFT))) * UNIT;
            double before = StrictMath.exp(log) * kept;
            gains[step] = inUnits(StrictMath.log((before + 1 - kept) / before));
        }
        return gains;
    }

    private static int inUnits(double log) {
        return (int) StrictMath.rint(log / UNIT);
    }
}
