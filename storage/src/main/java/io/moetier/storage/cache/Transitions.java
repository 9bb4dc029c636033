package io.moetier.storage.cache;

/// What the experts chosen lately, in a layer itself and in the layers before it, say about the layer's next
/// choices: for each pair of an earlier and a later expert a weight, learnt online. Routers follow the token
/// and its context, so the same experts come together again.
///
/// Memory: at most [#MAX_WEIGHTS] floats; what does not fit is left out, the most telling transitions last.
final class Transitions {
    /// 64 MiB: all four sources of 60 layers of 256 experts.
    private static final long MAX_WEIGHTS = 1L << 24;

    /// How many layers back, which decision of that layer when the estimate is made, the latest being 0, and
    /// how many of its choices; by importance. With four choices of each, the first source, the first two, three
    /// and four close 58, 60, 61 and 62 % of the gap at a quarter of the experts on gpt-oss-20b, 54, 58, 62 and
    /// 66 % on DeepSeek-V2-Lite; with these 62 and 67 %.
    private static final int[][] SOURCES = {{0, 0, 3}, {1, 0, 3}, {0, 1, 2}, {2, 0, 2}};

    /// The rows of weights that an estimate is made of: one for each choice of each source.
    private static final int NUM_ROWS = 10;

    /// How many rows one loop takes together.
    private static final int GROUP = 5;

    /// The step for an expert that was chosen n times is RATE / √(SOFTENING + n): large at first, as for
    /// counts, and never zero, since texts change. Chosen on the traces; twice or half the rate loses less
    /// than 0.5 % of the gap.
    private static final float RATE = 0.5f;

    private static final int SOFTENING = 4;
    private static final int MAX_COUNT = 4095;

    private final ExpertLayers layers;
    private final ChoiceHistory history;
    private final int numSources;
    private final float[][][] weights; // [layers, rows, experts], a row for each source and earlier expert
    private final int[][] counts; // [layers, rows]: how often they were corrected
    private final float[] rates = new float[MAX_COUNT + 1]; // by count
    private final int[] used; // [layers, NUM_ROWS]: the rows of the layer's estimates
    private final float[] strengths; // of the used, 0 where there are fewer
    private final int[] formerlyUsed = new int[NUM_ROWS]; // of one layer: before its latest estimates
    private final float[] formerStrengths = new float[NUM_ROWS];

    Transitions(ExpertLayers layers, ChoiceHistory history) {
        this.layers = layers;
        this.history = history;
        numSources = numSources(layers);
        int numRows = numSources * layers.maxWidth();
        weights = new float[layers.numLayers()][numRows][];
        counts = new int[layers.numLayers()][numRows];
        for (int layer = 0; layer < layers.numLayers(); layer++) {
            for (int row = 0; row < numRows; row++) {
                weights[layer][row] = new float[layers.width(layer)];
            }
        }
        for (int count = 0; count < rates.length; count++) {
            rates[count] = (float) (RATE / Math.sqrt(SOFTENING + count));
        }
        used = new int[layers.numLayers() * NUM_ROWS];
        strengths = new float[used.length];
    }

    /// Adds to `logits` what the decisions made so far say about the next one of `layer`.
    void addTo(float[] logits, int layer) {
        if (numSources == 0) {
            return;
        }
        int first = layer * NUM_ROWS;
        System.arraycopy(used, first, formerlyUsed, 0, NUM_ROWS);
        System.arraycopy(strengths, first, formerStrengths, 0, NUM_ROWS);
        choose(layer);
        for (int i = first; i < first + NUM_ROWS; i += GROUP) {
            add(logits, weights[layer], used, strengths, i);
        }
    }

    /// Corrects the weights that made the estimates of `layer` before its latest ones, which were wrong by
    /// `errors`.
    void correct(float[] errors, int layer) {
        if (numSources == 0) {
            return;
        }
        for (int i = 0; i < NUM_ROWS; i++) { // from strengths to steps
            if (formerStrengths[i] > 0) {
                int count = counts[layer][formerlyUsed[i]];
                counts[layer][formerlyUsed[i]] = Math.min(count + 1, MAX_COUNT);
                formerStrengths[i] *= rates[count];
            }
        }
        for (int i = 0; i < NUM_ROWS; i += GROUP) {
            subtract(errors, weights[layer], formerlyUsed, formerStrengths, i);
        }
    }

    private void choose(int layer) {
        int row = layer * NUM_ROWS;
        for (int source = 0; source < numSources; source++) {
            int earlier = layer - SOURCES[source][0];
            earlier += earlier < 0 ? layers.numLayers() : 0;
            int lag = SOURCES[source][1];
            for (int i = 0; i < SOURCES[source][2]; i++) {
                used[row] = source * layers.maxWidth() + history.expert(earlier, lag, i);
                strengths[row++] = history.strength(earlier, lag, i);
            }
        }
    }

    private static void add(float[] sums, float[][] rows, int[] which, float[] factors, int from) {
        float a = factors[from];
        float b = factors[from + 1];
        float c = factors[from + 2];
        float d = factors[from + 3];
        float e = factors[from + 4];
        float[] p = rows[which[from]];
        float[] q = rows[which[from + 1]];
        float[] r = rows[which[from + 2]];
        float[] s = rows[which[from + 3]];
        float[] t = rows[which[from + 4]];
        for (int i = 0; i < p.length; i++) {
            sums[i] += a * p[i] + b * q[i] + (c * r[i] + d * s[i]) + e * t[i];
        }
    }

    private static void subtract(float[] errors, float[][] rows, int[] which, float[] steps, int from) {
        float a = steps[from];
        float b = steps[from + 1];
        float c = steps[from + 2];
        float d = steps[from + 3];
        float e = steps[from + 4];
        float[] p = rows[which[from]];
        float[] q = rows[which[from + 1]];
        float[] r = rows[which[from + 2]];
        float[] s = rows[which[from + 3]];
        float[] t = rows[which[from + 4]];
        for (int i = 0; i < p.length; i++) {
            float error = errors[i];
            p[i] -= a * error;
            q[i] -= b * error;
            r[i] -= c * error;
            s[i] -= d * error;
            t[i] -= e * error;
        }
    }

    /// A model of few layers has no others to learn from; one of very many experts has more than there is
    /// room for.
    private static int numSources(ExpertLayers layers) {
        long perSource = 0;
        for (int layer = 0; layer < layers.numLayers(); layer++) {
            perSource += (long) layers.maxWidth() * layers.width(layer);
        }
        long room = perSource == 0 ? 0 : MAX_WEIGHTS / perSource;
        int most = (int) Math.min(SOURCES.length, room);
        int numSources = 0;
        while (numSources < most && SOURCES[numSources][0] < layers.numLayers()) {
            numSources++;
        }
        return numSources;
    }
}
