package io.moetier.storage.cache;

import java.util.List;

/// What the experts chosen lately, in a layer itself and in the layers before it, say about the layer's next
/// choices: for each pair of an earlier and a later expert a weight, learnt online. Routers follow the token
/// and its context, so the same experts come together again. Which of the earlier choices, [Source] says.
///
/// Memory: at most [#MAX_WEIGHTS] weights of two bytes; what does not fit is left out, the most telling
/// transitions last. A decision needs a handful of rows out of megabytes, and waits for most of them: so the
/// weights are as small as they can be, and their rows are asked for at once, before they are needed.
final class Transitions {
    /// 64 MiB: all four sources of 120 layers of 256 experts.
    private static final long MAX_WEIGHTS = 1L << 25;

    /// Of each source: the strongest.
    private static final int NUM_CHOICES = 2;

    /// How many rows one loop adds together.
    private static final int GROUP = 4;

    /// What a weight's integer counts. The weights reach to ±16; on the traces none is beyond ±4.
    private static final float UNIT = 1f / 2048;

    /// The step for an expert that was chosen n times is RATE / √(SOFTENING + n), times the strength of the
    /// choice, to the nearest power of two: large at first, as for counts, and never zero, since texts change.
    /// Chosen on the traces; twice or half the rate loses less than 0.5 % of the gap.
    private static final float RATE = 0.6f;

    private static final int SOFTENING = 4;
    private static final int MAX_COUNT = 1023;
    private static final int MAX_HALVINGS = 9;

    /// What was learnt in an earlier run counts as corrected so often at most, so that a text about something else
    /// can change it. Of the gap on the second halves of eight traces 16, 64 and 1023 close 59.6, 59.8 and 60.0 %
    /// after the first halves, but 57.5, 57.3 and 56.3 % after other traces; after nothing it is 56.0 %.
    private static final int MAX_KEPT_COUNT = 16;

    /// 24 MiB of each table are kept for the next run, the most telling sources.
    private static final long MAX_KEPT_WEIGHTS = 12L << 20;

    private static final float SQRT_2 = 1.4142135f;

    /// Weights in a line of the processor's caches.
    private static final int LINE = 32;

    private final ExpertLayers layers;
    private final ChoiceHistory history;
    private final List<Source> sources;
    private final int numRows; // that an estimate is made of, also of sources left out: those have strength 0
    /// `[layers][rows, experts + 1]`: a row for each source and earlier expert, and at its end how often it was
    /// corrected, which comes from memory with the rest.
    private final short[][] weights;
    private final float[] rates = new float[MAX_COUNT + 1]; // by count
    private final int[] used; // [layers, numRows]: where the rows of the layer's estimates begin
    private final float[] strengths; // of the used, 0 where there are fewer
    private final int[] toCorrect; // of one layer: those of its present estimates that count
    private final int[] halvings; // of the step of each
    private int numToCorrect;
    private final char[][] steps; // [halvings, experts], of one layer; signed, and yet no short as the weights are

    @SuppressWarnings("UnusedVariable") // a read without a result would be left out
    private int touched;

    /// A decision that says something about the next choices of a layer.
    ///
    /// @param layersBack of the layer that made it, 0 for the layer itself
    /// @param lag which one of that layer when the estimate is made, the latest being 0
    record Source(int layersBack, int lag) {}

    /// @param sources by importance; what does not fit is left out
    Transitions(ExpertLayers layers, ChoiceHistory history, List<Source> sources) {
        this.layers = layers;
        this.history = history;
        this.sources = fitting(sources, layers, MAX_WEIGHTS);
        numRows = sources.size() * NUM_CHOICES;
        toCorrect = new int[numRows];
        halvings = new int[numRows];
        int rowsOfLayer = this.sources.size() * layers.maxWidth();
        weights = new short[layers.numLayers()][];
        for (int layer = 0; layer < layers.numLayers(); layer++) {
            weights[layer] = new short[rowsOfLayer * (layers.width(layer) + 1)];
        }
        for (int count = 0; count < rates.length; count++) {
            rates[count] = (float) (RATE / Math.sqrt(SOFTENING + count));
        }
        used = new int[layers.numLayers() * numRows];
        strengths = new float[used.length];
        steps = new char[MAX_HALVINGS + 1][layers.maxWidth()];
    }

    /// Chooses what [#addTo(float\[\], int)] adds, by the decisions made so far.
    void choose(int layer) {
        short[] weights = this.weights[layer];
        int width = layers.width(layer);
        int row = layer * numRows;
        for (int source = 0; source < sources.size(); source++) {
            int earlier = layer - sources.get(source).layersBack();
            earlier += earlier < 0 ? layers.numLayers() : 0;
            int lag = sources.get(source).lag();
            for (int i = 0; i < NUM_CHOICES; i++) {
                used[row] = (source * layers.maxWidth() + history.expert(earlier, lag, i)) * (width + 1);
                strengths[row] = history.strength(earlier, lag, i);
                touch(weights, used[row], width);
                row++;
            }
        }
    }

    /// Adds to `logits` what was chosen for `layer`.
    void addTo(float[] logits, int layer) {
        int first = layer * numRows;
        for (int i = first; !sources.isEmpty() && i < first + numRows; i += GROUP) {
            add(logits, layers.width(layer), weights[layer], i);
        }
    }

    /// Corrects the weights that [#beginCorrection(int)] has noted of `layer`, whose estimates were wrong by `errors`.
    void correct(float[] errors, int layer) {
        int width = layers.width(layer);
        int made = 0; // a bit for each number of halvings
        for (int i = 0; i < numToCorrect; i++) {
            int halved = halvings[i];
            if ((made & (1 << halved)) == 0) {
                made |= 1 << halved;
                round(errors, width, 1 / (UNIT * (1 << halved)), steps[halved]);
            }
            subtract(weights[layer], toCorrect[i], steps[halved], width);
        }
    }

    /// Notes what [#correct] needs of the rows that the present estimates of `layer` are made of: others may be chosen
    /// before it. Their counts are read while other rows are waited for.
    void beginCorrection(int layer) {
        short[] weights = this.weights[layer];
        int width = layers.width(layer);
        int first = layer * numRows;
        int n = 0;
        for (int i = first; i < first + numRows; i++) {
            if (strengths[i] > 0) {
                int row = used[i];
                int count = weights[row + width];
                weights[row + width] = (short) Math.min(count + 1, MAX_COUNT);
                toCorrect[n] = row;
                halvings[n++] = halvings(rates[count] * strengths[i]);
            }
        }
        numToCorrect = n;
    }

    /// Carries the weights of the sources that are kept.
    void carry(LearntArrays arrays) {
        int kept = fitting(sources, layers, MAX_KEPT_WEIGHTS).size();
        for (int layer = 0; layer < weights.length; layer++) {
            arrays.carry(weights[layer], kept * layers.maxWidth() * (layers.width(layer) + 1));
        }
    }

    /// Lets weights of an earlier run learn from this one.
    void settle() {
        for (int layer = 0; layer < weights.length; layer++) {
            int width = layers.width(layer);
            for (int at = width; at < weights[layer].length; at += width + 1) {
                weights[layer][at] = (short) Math.clamp(weights[layer][at], 0, MAX_KEPT_COUNT);
            }
        }
    }

    private static int halvings(float step) {
        return Math.clamp(-Math.getExponent(step * SQRT_2), 0, MAX_HALVINGS);
    }

    /// Reads something of each line, so that none has to be waited for while another one is added. A row begins
    /// anywhere in a line, so its end may be in one more.
    private void touch(short[] weights, int row, int width) {
        int sum = weights[row + width];
        for (int i = row; i < row + width; i += LINE) {
            sum += weights[i];
        }
        touched = sum;
    }

    private void add(float[] sums, int width, short[] weights, int from) {
        float a = UNIT * strengths[from];
        float b = UNIT * strengths[from + 1];
        float c = UNIT * strengths[from + 2];
        float d = UNIT * strengths[from + 3];
        int p = used[from];
        int q = used[from + 1];
        int r = used[from + 2];
        int s = used[from + 3];
        for (int i = 0; i < width; i++) {
            sums[i] += a * weights[p + i] + b * weights[q + i] + (c * weights[r + i] + d * weights[s + i]);
        }
    }

    private static void round(float[] errors, int width, float factor, char[] steps) {
        for (int i = 0; i < width; i++) {
            steps[i] = (char) ((int) (errors[i] * factor + (0.5f - Short.MIN_VALUE)) + Short.MIN_VALUE);
        }
    }

    private static void subtract(short[] weights, int row, char[] steps, int width) {
        for (int i = 0; i < width; i++) {
            weights[row + i] -= (short) steps[i];
        }
    }

    /// A model of few layers has no others to learn from; one of very many experts has more than there is
    /// room for.
    private static List<Source> fitting(List<Source> sources, ExpertLayers layers, long maxWeights) {
        long perSource = 0;
        for (int layer = 0; layer < layers.numLayers(); layer++) {
            perSource += (long) layers.maxWidth() * layers.width(layer);
        }
        long room = perSource == 0 ? 0 : maxWeights / perSource;
        return sources.stream()
                .limit(room)
                .takeWhile(source -> source.layersBack() < layers.numLayers())
                .toList();
    }
}
