package io.moetier.storage.cache;

import java.util.Random;

/// What the latest decisions of all layers say together about a layer's next choices: what a text is about is learnt
/// from every decision, where a table of pairs ([Transitions]) has to see each pair.
///
/// It is a logistic regression whose matrix, from each expert of the model to each expert of a layer, is a product of
/// two narrow ones, as in factorization machines (Rendle 2010). Each expert has a vector of [#SIZE] numbers; the sum
/// of the vectors of those chosen last, the strongest of each layer, is the context. For each of its experts a layer
/// has as many weights, and adds the context times these to the expert's logit. Both sides follow the same gradient:
/// the weights by the errors of their layer, a vector by the errors of all layers whose estimates it had a part in.
///
/// Deterministic: plain `float` arithmetic in a fixed order. Vectors and their sums are integers, so that a sum that
/// is kept up for days stays exact.
///
/// Cost: one pass over a layer's weights for each decision, which corrects them and uses them, and 128 bytes for each
/// expert.
final class TokenContext {
    /// At a quarter of the experts 8, 16 and 24 close 1.6, 2.0 and 2.2 points more of the gap than none, in the mean of
    /// eight traces, and take about 0.8, 1.1 and 1.7 µs for a decision. A multiple of [#GROUP] and of [#SUMS].
    private static final int SIZE = 16;

    /// How many weights of an expert one loop takes together. With four HotSpot makes no vectors of 16 floats: three
    /// times longer.
    private static final int GROUP = 2;

    /// How many sums over a layer's experts are added side by side: one alone would wait for each addition.
    private static final int SUMS = 4;

    /// How long the choices of an estimate are remembered: until the errors of all layers that saw them are known.
    private static final int LAG = 2;

    /// A layer says something about vectors at one of so many of its turns, the layers by turns.
    private static final int GRADIENT_PERIOD = 8;

    private static final int UNIT_BITS = 16;
    private static final float UNIT = 1f / (1 << UNIT_BITS); // of a vector's numbers
    private static final int MOST = 8 << UNIT_BITS; // of each
    private static final int INITIAL_MOST = 1 << (UNIT_BITS - 1);
    private static final long SEED = 1;
    private static final float PER_GRADIENT = GRADIENT_PERIOD / UNIT;

    /// Of the weights, by the context's length (normalised least mean squares); half or twice changes 0.2 points.
    private static final float RATE = 0.1f;

    /// 1/32 of the gradient, for the vectors; half or twice changes nothing.
    private static final int GRADIENT_SHIFT = 5;

    /// The mean of a layer's contexts is subtracted, as it says nothing. It follows them at this rate.
    private static final float MEAN_RATE = 0.005f;

    private static final int MOST_TURNS = 1024; // a multiple of the period, and enough for the mean

    private final ChoiceHistory history;
    private final int[][] vectors; // [layers][experts, SIZE]
    private final int[][] parts; // [layers, SIZE], of the sum
    private final int[] sum = new int[SIZE]; // of the vectors chosen last
    private final float scale; // of the sum
    private final float[][] means; // [layers, SIZE]
    private final float[][] contexts; // [layers, SIZE], that the layer's estimates are made of
    private final float[] former = new float[SIZE]; // context, of the estimates to correct
    private final float[][][] weights; // [layers, SIZE, experts]
    private final float[][] steps; // [layers, SIZE], which the weights have yet to take, times errors
    private final int[][] gradients; // [layers, SIZE], of the layer's last correction
    private final int[] gradient = new int[SIZE]; // the sum of these
    private final int[] turns; // by layer, at most as many as the mean needs, then in a circle

    TokenContext(ExpertLayers layers, ChoiceHistory history) {
        this.history = history;
        int numLayers = layers.numLayers();
        vectors = new int[numLayers][];
        weights = new float[numLayers][][];
        Random random = new Random(SEED);
        for (int layer = 0; layer < numLayers; layer++) {
            int width = layers.width(layer);
            vectors[layer] = random.ints((long) width * SIZE, -INITIAL_MOST, INITIAL_MOST)
                    .toArray();
            weights[layer] = new float[SIZE][width];
        }
        scale = (float) (UNIT / Math.sqrt((double) numLayers * ChoiceHistory.NUM_CHOICES));
        parts = new int[numLayers][SIZE];
        means = new float[numLayers][SIZE];
        contexts = new float[numLayers][SIZE];
        steps = new float[numLayers][SIZE];
        gradients = new int[numLayers][SIZE];
        turns = new int[numLayers];
    }

    /// Takes in the latest decision of `layer`, which stands in the history, and makes the layer's context anew.
    void observe(int layer) {
        correctVectors(layer);
        int[] part = parts[layer];
        for (int d = 0; d < SIZE; d++) {
            sum[d] -= part[d];
            part[d] = 0;
        }
        for (int i = 0; i < ChoiceHistory.NUM_CHOICES; i++) {
            if (history.strength(layer, 0, i) > 0) {
                add(vectors[layer], history.expert(layer, 0, i) * SIZE, part);
            }
        }
        float[] context = contexts[layer];
        float[] mean = means[layer];
        float rate = Math.max(MEAN_RATE, 1f / (2 + turns[layer]));
        for (int d = 0; d < SIZE; d++) {
            sum[d] += part[d];
            former[d] = context[d];
            float value = scale * sum[d];
            mean[d] += rate * (value - mean[d]);
            context[d] = value - mean[d];
        }
    }

    /// Carries what is known of the experts; the context itself is the text's.
    void carry(LearntArrays arrays) {
        arrays.carry(turns, 0, MOST_TURNS);
        for (int layer = 0; layer < vectors.length; layer++) {
            arrays.carry(vectors[layer], -MOST, MOST);
            arrays.carry(means[layer]);
            for (float[] ofNumber : weights[layer]) {
                arrays.carry(ofNumber);
            }
        }
    }

    private void correctVectors(int layer) {
        for (int i = 0; i < ChoiceHistory.NUM_CHOICES; i++) {
            if (history.strength(layer, LAG, i) > 0) {
                descend(vectors[layer], history.expert(layer, LAG, i) * SIZE, gradient);
            }
        }
    }

    private static void descend(int[] vectors, int from, int[] gradient) {
        for (int d = 0; d < SIZE; d++) {
            int moved = vectors[from + d] - (gradient[d] >> GRADIENT_SHIFT);
            vectors[from + d] = Math.max(Math.min(moved, MOST), -MOST);
        }
    }

    private static void add(int[] vectors, int from, int[] sum) {
        for (int d = 0; d < SIZE; d++) {
            sum[d] += vectors[from + d];
        }
    }

    /// Adds to `logits` what the context of `layer` says, by weights that are corrected first.
    ///
    /// @param errors what [#correct(float\[\], int)] was told last
    void addTo(float[] logits, float[] errors, int layer) {
        for (int d = 0; d < SIZE; d += GROUP) {
            correctAndAdd(weights[layer], steps[layer], errors, contexts[layer], logits, d);
        }
    }

    private static void correctAndAdd(
            float[][] weights, float[] steps, float[] errors, float[] context, float[] logits, int d) {
        float[] p = weights[d];
        float[] q = weights[d + 1];
        float stepP = steps[d];
        float stepQ = steps[d + 1];
        float a = context[d];
        float b = context[d + 1];
        for (int i = 0; i < p.length; i++) {
            float weightP = p[i] - stepP * errors[i];
            float weightQ = q[i] - stepQ * errors[i];
            p[i] = weightP;
            q[i] = weightQ;
            logits[i] += a * weightP + b * weightQ;
        }
    }

    /// Learns that the estimates of `layer` before its latest decision were wrong by `errors`, which have to stay until
    /// the next.
    void correct(float[] errors, int layer) {
        int[] ofLayer = gradients[layer];
        boolean tells = (turns[layer] + layer) % GRADIENT_PERIOD == 0;
        float length = 1;
        for (int d = 0; d < SIZE; d++) {
            length += former[d] * former[d];
            gradient[d] -= ofLayer[d];
            ofLayer[d] = 0;
        }
        for (int d = 0; tells && d < SIZE; d += SUMS) {
            project(weights[layer], errors, ofLayer, d);
        }
        float[] step = steps[layer];
        float rate = turns[layer] == 0 ? 0 : RATE / length; // the first estimates were made of no context
        for (int d = 0; d < SIZE; d++) {
            step[d] = rate * former[d];
            gradient[d] += ofLayer[d];
        }
        turns[layer] = turns[layer] < MOST_TURNS ? turns[layer] + 1 : turns[layer] - GRADIENT_PERIOD + 1;
    }

    private static void project(float[][] weights, float[] errors, int[] gradient, int d) {
        float[] p = weights[d];
        float[] q = weights[d + 1];
        float[] r = weights[d + 2];
        float[] s = weights[d + 3];
        float a = 0;
        float b = 0;
        float c = 0;
        float e = 0;
        for (int i = 0; i < p.length; i++) {
            a += errors[i] * p[i];
            b += errors[i] * q[i];
            c += errors[i] * r[i];
            e += errors[i] * s[i];
        }
        gradient[d] = (int) (a * PER_GRADIENT);
        gradient[d + 1] = (int) (b * PER_GRADIENT);
        gradient[d + 2] = (int) (c * PER_GRADIENT);
        gradient[d + 3] = (int) (e * PER_GRADIENT);
    }
}
