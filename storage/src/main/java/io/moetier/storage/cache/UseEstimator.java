package io.moetier.storage.cache;

import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// How likely each expert of a cache is to be used next: the one place where that is learnt, from what routers have
/// chosen. The policy `gate` asks it who may leave, and who loads ahead whether a guess is worth the slot of another.
///
/// All is said on one scale, an expert's worth: the expectation of γ^T, T being the tokens until its layer chooses it,
/// parts of a token counted as such. So 1 is needed at once, and what is needed late or hardly ever is near 0.
///
/// A cache has one, [ExpertCache#estimator()], and tells it every decision once. Confined to the cache's owner.
/// Deterministic. What is learnt costs time and memory from the first question about it on: a worth, or the likeliest.
public final class UseEstimator {
    private final ExpertLayers layers;
    private final double gamma;
    private final double[] decay; // by layers until a turn
    private final ChoiceHistory history;
    private final FadingFrequencies frequencies;
    private @Nullable NextUseEstimator nextUse; // null until somebody asks for a worth
    private @Nullable NextTurnEstimator nextTurn; // null until somebody looks ahead
    private final int[] experts; // of the latest decision, counted within their layer
    private final long[] turns; // by layer: when its next turn is, all layers' turns counted
    private long now;
    private int current; // the layer whose turn was the last

    /// @param ids the experts of the cache
    /// @param numSlots how many of them fit: the more, the longer each may wait
    /// @throws IllegalArgumentException if an id appears twice
    public UseEstimator(int[] ids, int numSlots) {
        layers = new ExpertLayers(ids);
        gamma = gamma((double) numSlots / ids.length);
        int numLayers = layers.numLayers();
        history = new ChoiceHistory(numLayers);
        frequencies = new FadingFrequencies(layers);
        experts = new int[layers.maxWidth()];
        decay = new double[numLayers + 1];
        turns = new long[numLayers];
        for (int layer = 0; layer < numLayers; layer++) {
            turns[layer] = layer + 1L;
            decay[layer + 1] = StrictMath.pow(gamma, (layer + 1.0) / numLayers);
        }
        current = numLayers - 1;
    }

    /// Learns from what the router of one layer chose: `ids[0..n)`, all of that layer, distinct, in any order.
    ///
    /// @param gateWeights `[n]`, the factors of the experts' outputs; null if they are not known
    public void observe(int[] ids, float @Nullable [] gateWeights, int n) {
        if (n == 0) {
            return;
        }
        int layer = layers.layerOf(layers.cell(ids[0]));
        for (int i = 0; i < n; i++) {
            experts[i] = layers.cell(ids[i]) - layers.firstCell(layer);
        }
        if (nextTurn != null) {
            nextTurn.observe(layer, experts, n);
        }
        history.record(layer, experts, gateWeights, n);
        if (nextUse == null) {
            frequencies.update(layer, experts, n);
        } else {
            nextUse.observe(layer, experts, n);
        }
        endTurn(layer);
    }

    /// The layers between the last turn and this one have theirs too, as they would wait in vain otherwise.
    private void endTurn(int layer) {
        do {
            now++;
            current = current + 1 == turns.length ? 0 : current + 1;
            turns[current] = now + turns.length;
        } while (current != layer);
    }

    /// Returns what it is worth to have the expert `id`.
    public double worth(int id) {
        int cell = layers.cell(id);
        int layer = layers.layerOf(cell);
        return estimate(cell, layer) * decay(layer);
    }

    /// Returns what it is worth to have the expert `id` if it is chosen with this `probability` at the next turn of its
    /// layer, which somebody has a reason to believe.
    public double worthIf(int id, double probability) {
        int cell = layers.cell(id);
        int layer = layers.layerOf(cell);
        return (probability + (1 - probability) * gamma * estimate(cell, layer)) * decay(layer);
    }

    /// Returns a number that is greater the more often `id` was chosen of late, for experts of one layer.
    public int frequency(int id) {
        int cell = layers.cell(id);
        int layer = layers.layerOf(cell);
        return frequencies.recent(layer, cell - layers.firstCell(layer));
    }

    /// Writes up to `k` experts of `layer` to `to`, those most likely to be chosen at its next turn, the likeliest
    /// first, with their probabilities; returns how many there are.
    ///
    /// @param layer a decoder layer, as in the ids
    public int likeliest(int layer, int[] to, float[] probabilities, int k) {
        int number = layers.numberOf(layer);
        if (number < 0) {
            return 0;
        }
        if (nextTurn == null) {
            nextTurn = new NextTurnEstimator(layers, history, frequencies);
        }
        float[] ofLayer = nextTurn.estimate(number);
        int n = 0;
        for (int expert = 0; expert < ofLayer.length; expert++) {
            float probability = ofLayer[expert];
            if (n == k && (k == 0 || probability <= probabilities[n - 1])) {
                continue;
            }
            int at = n < k ? n++ : n - 1;
            for (; at > 0 && probabilities[at - 1] < probability; at--) {
                probabilities[at] = probabilities[at - 1];
                to[at] = to[at - 1];
            }
            probabilities[at] = probability;
            to[at] = layers.expertAt(number, expert);
        }
        return n;
    }

    /// Returns the packed ids of the experts, ascending.
    public int[] ids() {
        return IntStream.range(0, layers.numCells()).map(layers::id).toArray();
    }

    /// Returns how many bytes [#keep] carries: 0 if nobody has asked for a worth, so that nothing is learnt.
    public long keptBytes() {
        LearntSize size = new LearntSize();
        carry(size);
        return nextUse == null ? 0 : size.bytes();
    }

    /// Carries away what has been learnt of the model, and nothing of what the text was: weights, but neither
    /// frequencies nor choices.
    public void keep(LearntArrays to) {
        carry(to);
    }

    /// Takes up what an estimator of the same experts has kept, as if it had been learnt here; how many slots it had
    /// makes little difference. What was learnt here before is forgotten, and of the text nothing.
    ///
    /// @param bytes how many were kept
    /// @param from fills the arrays with what [#check] has seen
    /// @throws IllegalArgumentException if other experts would have kept so much; nothing is taken up then
    public void takeUp(long bytes, LearntArrays from) {
        makeRoom(bytes);
        carry(from);
        settle();
    }

    /// Looks at what [#takeUp] would take up.
    ///
    /// @param bytes how many were kept
    /// @param checking changes no array, and throws an exception at what cannot be taken up
    /// @throws IllegalArgumentException if other experts would have kept so much
    public void check(long bytes, LearntArrays checking) {
        NextTurnEstimator former = nextTurn;
        try {
            makeRoom(bytes);
            carry(checking);
        } finally {
            nextTurn = former;
        }
    }

    private void makeRoom(long bytes) {
        estimates();
        NextTurnEstimator former = nextTurn;
        if (bytes != keptBytes() && nextTurn == null) {
            nextTurn = new NextTurnEstimator(layers, history, frequencies);
        }
        if (bytes != keptBytes()) {
            long expected = keptBytes();
            nextTurn = former;
            throw new IllegalArgumentException("expected " + expected + " bytes, found " + bytes);
        }
    }

    private void carry(LearntArrays arrays) {
        if (nextUse != null) {
            nextUse.carry(arrays);
        }
        if (nextTurn != null) {
            nextTurn.carry(arrays);
        }
    }

    private void settle() {
        if (nextUse != null) {
            nextUse.settle();
        }
        if (nextTurn != null) {
            nextTurn.settle();
        }
    }

    ExpertLayers layers() {
        return layers;
    }

    /// Returns what the worth of an expert keeps when it is needed a token later.
    double gamma() {
        return gamma;
    }

    /// Returns the worth of all experts at their layer's next turn, `[layers, experts]`, counted among those of the
    /// cache. The arrays are the estimator's own, and always say what is true now.
    float[][] estimates() {
        if (nextUse == null) {
            nextUse = new NextUseEstimator(layers, (float) gamma, history, frequencies);
        }
        return nextUse.estimates();
    }

    /// Returns when the next turn of `layer`, counted among those of the cache, is, all layers' turns counted.
    long turn(int layer) {
        return turns[layer];
    }

    private double estimate(int cell, int layer) {
        return estimates()[layer][cell - layers.firstCell(layer)];
    }

    private double decay(int layer) {
        return decay[(int) (turns[layer] - now)];
    }

    /// The more experts fit, the longer each may wait. On gpt-oss-20b and DeepSeek-V2-Lite 0.7 closes most of
    /// the gap at 6.25 and 12.5 % of the experts, 0.8 and 0.9 at 25 %, 0.9 at 50 %, 0.95 and 0.9 at 75 %; a
    /// step beside the best costs about 1 % of the gap.
    private static double gamma(double share) {
        return Math.min(0.75 + 0.4 * share, 0.95);
    }
}
