package io.moetier.storage.cache;

import io.moetier.storage.cache.Transitions.Source;
import java.util.Arrays;
import java.util.List;

/// Learns from the decisions so far how soon each expert is chosen again.
///
/// The estimate of an expert is the expectation of γ^T, T being the tokens until its layer chooses it the
/// next time: 1 for an expert that is certain for the next token, near 0 for one that is not in sight. It is
/// a logistic function of how often the expert was chosen and of which experts were chosen with it: σ(bias +
/// frequencies + transitions + context). Each decision corrects the estimates that the layer's experts had
/// before it by one step of gradient descent, towards 1 where the expert was chosen and towards γ times its
/// new estimate where it was not (temporal differences, Sutton 1988): so the far future is learnt without
/// being waited for.
///
/// Deterministic: plain `float` arithmetic in a fixed order, and no exponential functions.
///
/// Cost: its loops are of the form that HotSpot compiles to vector instructions, over arrays of one layer.
final class NextUseEstimator {
    /// Of the few weights that all experts of a layer share. Three times more or less changes the hits by 0.1 %.
    private static final float SHARED_RATE = 0.001f;

    private static final float INITIAL_BIAS = -0.5f;
    private static final float INITIAL_WEIGHT = 0.5f;
    private static final float INITIAL_ESTIMATE = 0.3f;

    /// The shared weights learn from one of so many decisions.
    private static final int SHARED_PERIOD = 4;

    /// With four choices of each, the first source, the first two, three and four close 58, 60, 61 and 62 % of the gap
    /// at a quarter of the experts on gpt-oss-20b, 54, 58, 62 and 66 % on DeepSeek-V2-Lite; with two of each 62 and
    /// 67 %.
    private static final List<Source> SOURCES =
            List.of(new Source(0, 0), new Source(1, 0), new Source(0, 1), new Source(2, 0));

    private static final int NUM_FEATURES = FadingFrequencies.NUM_FEATURES;

    private final float gamma;
    private final FadingFrequencies frequencies;
    private final Transitions transitions;
    private final TokenContext context;
    private final float[][] estimates; // [layers, experts]
    private final float[][] errors; // [layers, experts], of the estimates before, each times its emphasis
    private final int[] turns; // by layer: 0 before its first decision, then from 1 to SHARED_PERIOD in a circle
    private final float[] bias; // by layer
    private final float[][] weights; // [layers, features]
    // Of one layer, which may have fewer experts:
    private final float[][] before; // [features, experts], of the estimates to correct
    private final float[] logits;
    private final float[] emphasis; // of the errors of chosen experts

    /// @param gamma what the worth of an expert keeps when it is needed a token later, below 1
    NextUseEstimator(ExpertLayers layers, float gamma, ChoiceHistory history, FadingFrequencies frequencies) {
        this.gamma = gamma;
        int numLayers = layers.numLayers();
        int width = layers.maxWidth();
        this.frequencies = frequencies;
        transitions = new Transitions(layers, history, SOURCES);
        context = new TokenContext(layers, history);
        estimates = new float[numLayers][];
        errors = new float[numLayers][];
        weights = new float[numLayers][NUM_FEATURES];
        for (int layer = 0; layer < numLayers; layer++) {
            estimates[layer] = new float[layers.width(layer)];
            errors[layer] = new float[layers.width(layer)];
            Arrays.fill(estimates[layer], INITIAL_ESTIMATE);
            Arrays.fill(weights[layer], INITIAL_WEIGHT);
        }
        turns = new int[numLayers];
        bias = new float[numLayers];
        Arrays.fill(bias, INITIAL_BIAS);
        before = new float[NUM_FEATURES][width];
        logits = new float[width];
        emphasis = new float[width];
    }

    /// Returns the estimates for all experts, `[layers, experts]`, counted from their layer's next turn: 1 for one that
    /// is sure to be chosen then. The arrays are the estimator's own.
    float[][] estimates() {
        return estimates;
    }

    /// Learns from a decision of `layer`, which chose its experts `experts[0..n)` and stands in the history, and
    /// estimates them all anew.
    void observe(int layer, int[] experts, int n) {
        float[] estimates = this.estimates[layer];
        float[] errors = this.errors[layer];
        boolean sharedLearn = turns[layer] == SHARED_PERIOD;
        if (sharedLearn) {
            frequencies.copy(layer, before);
        }
        transitions.beginCorrection(layer);
        transitions.choose(layer);
        context.observe(layer);
        frequencies.update(layer, experts, n, bias[layer], weights[layer], logits);
        transitions.addTo(logits, layer);
        context.addTo(logits, errors, layer);
        for (int i = 0; i < n; i++) {
            emphasis[i] = emphasis(estimates[experts[i]]);
        }
        squash(logits, gamma, estimates, errors);
        if (turns[layer] > 0) {
            for (int i = 0; i < n; i++) { // the target of a chosen one is 1 instead
                errors[experts[i]] += emphasis[i] * (gamma * estimates[experts[i]] - 1);
            }
            transitions.correct(errors, layer);
            if (sharedLearn) {
                correctShared(errors, layer);
            }
        }
        context.correct(errors, layer);
        turns[layer] = turns[layer] % SHARED_PERIOD + 1;
    }

    /// Carries what is true of the model whatever the text.
    void carry(LearntArrays arrays) {
        arrays.carry(bias);
        for (float[] ofLayer : weights) {
            arrays.carry(ofLayer);
        }
        transitions.carry(arrays);
        context.carry(arrays);
    }

    /// Goes on with what was carried here.
    void settle() {
        transitions.settle();
    }

    /// Takes a step down the gradient of the cross entropy: the error times what a weight was multiplied with.
    private void correctShared(float[] errors, int layer) {
        int width = errors.length;
        bias[layer] -= SHARED_PERIOD * SHARED_RATE * sum(errors, width);
        for (int f = 0; f < NUM_FEATURES; f++) {
            float[] products = before[f];
            multiply(products, errors, width);
            weights[layer][f] -= SHARED_PERIOD * SHARED_RATE * sum(products, width);
        }
    }

    /// Makes estimates of logits, and writes by how much the former ones were above γ times these, times the emphasis.
    private static void squash(float[] logits, float gamma, float[] estimates, float[] errors) {
        for (int i = 0; i < estimates.length; i++) {
            float estimate = logistic(logits[i]);
            float former = estimates[i];
            errors[i] = emphasis(former) * (former - gamma * estimate);
            estimates[i] = estimate;
        }
    }

    /// Errors of estimates in the middle count most: it is among these that who may stay is decided. The rest counts
    /// enough to be learnt.
    private static float emphasis(float estimate) {
        return 0.3f + 2.8f * estimate * (1 - estimate);
    }

    /// Makes estimates of logits, which may be the same array.
    static void squash(float[] logits, float[] estimates) {
        for (int i = 0; i < estimates.length; i++) {
            estimates[i] = logistic(logits[i]);
        }
    }

    /// Takes 1 / (1 + (1 − x/16)^16) for the logistic function, whose exponential function would cost more
    /// than all the rest. From 16 on it is 1.
    private static float logistic(float x) {
        float y = Math.max(1 - x * (1f / 16), 0);
        y *= y;
        y *= y;
        y *= y;
        y *= y;
        return 1 / (1 + y);
    }

    static void multiply(float[] values, float[] others, int n) {
        for (int i = 0; i < n; i++) {
            values[i] *= others[i];
        }
    }

    /// Adds four sums side by side: one alone would wait for each addition.
    static float sum(float[] values, int n) {
        float a = 0;
        float b = 0;
        float c = 0;
        float d = 0;
        int i = 0;
        for (; i + 3 < n; i += 4) {
            a += values[i];
            b += values[i + 1];
            c += values[i + 2];
            d += values[i + 3];
        }
        for (; i < n; i++) {
            a += values[i];
        }
        return a + b + (c + d);
    }
}
