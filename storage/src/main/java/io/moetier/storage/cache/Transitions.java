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
    /// how many of its choices; by importance. With all choices of the first source, the first two, three and
    /// four, the gaps closed at a quarter of the experts are 58, 60, 61 and 62 % on gpt-oss-20b, 54, 58, 62
    /// and 67 % on DeepSeek-V2-Lite; with these, 62 and 66 %.
    private static final int[][] SOURCES = {{0, 0, 4}, {1, 0, 4}, {0, 1, 2}, {2, 0, 2}};

    /// The step for an expert that was chosen n times is RATE / √(HALF_AFTER + n): large at first, as for
    /// counts, and never zero, since texts change. Chosen on the traces; twice or half the rate loses less
    /// than 0.5 % of the gap.
    private static final float RATE = 0.3f;

    private static final int SOFTENING = 4;
    private static final int MAX_COUNT = 4095;

    private final ExpertLayers layers;
    private final ChoiceHistory history;
    private final int numSources;
    private final float[][][][] weights; // [sources, layers, earlier experts, experts]
    private final int[][][] counts; // [sources, layers, earlier experts]: how often they were corrected
    private final float[] rates = new float[MAX_COUNT + 1]; // by count

    Transitions(ExpertLayers layers, ChoiceHistory history) {
        this.layers = layers;
        this.history = history;
        numSources = numSources(layers);
        weights = new float[numSources][layers.numLayers()][][];
        counts = new int[numSources][layers.numLayers()][];
        for (int source = 0; source < numSources; source++) {
            for (int layer = 0; layer < layers.numLayers(); layer++) {
                int rows = layers.width(earlier(source, layer));
                weights[source][layer] = new float[rows][layers.width(layer)];
                counts[source][layer] = new int[rows];
            }
        }
        for (int count = 0; count < rates.length; count++) {
            rates[count] = (float) (RATE / Math.sqrt(SOFTENING + count));
        }
    }

    /// Adds to `logits` what the decisions made so far say about the next one of `layer`.
    void addTo(float[] logits, int layer) {
        for (int source = 0; source < numSources; source++) {
            float[][] rows = weights[source][layer];
            int earlier = earlier(source, layer);
            int lag = SOURCES[source][1];
            for (int i = 0; i < numChoices(source, earlier, lag); i++) {
                add(logits, history.strength(earlier, lag, i), rows[history.expert(earlier, lag, i)]);
            }
        }
    }

    /// Corrects the weights that made the estimates before the latest decision of `layer`, which were wrong by
    /// `errors`.
    /// Each layer has decided once since then.
    void correct(float[] errors, int layer) {
        for (int source = 0; source < numSources; source++) {
            int earlier = earlier(source, layer);
            int lag = SOURCES[source][1] + 1;
            for (int i = 0; i < numChoices(source, earlier, lag); i++) {
                int expert = history.expert(earlier, lag, i);
                int count = counts[source][layer][expert];
                counts[source][layer][expert] = Math.min(count + 1, MAX_COUNT);
                float step = rates[count] * history.strength(earlier, lag, i);
                correct(weights[source][layer][expert], step, errors);
            }
        }
    }

    private static void add(float[] sums, float factor, float[] row) {
        for (int i = 0; i < row.length; i++) {
            sums[i] += factor * row[i];
        }
    }

    private static void correct(float[] row, float step, float[] errors) {
        for (int i = 0; i < row.length; i++) {
            row[i] -= step * errors[i];
        }
    }

    private int numChoices(int source, int earlier, int lag) {
        return Math.min(SOURCES[source][2], history.size(earlier, lag));
    }

    private int earlier(int source, int layer) {
        return (layer + layers.numLayers() - SOURCES[source][0]) % layers.numLayers();
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
