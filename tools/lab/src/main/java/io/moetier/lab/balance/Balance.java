package io.moetier.lab.balance;

import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Modality;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// What a routing trace says of its router.
///
/// @param layers the figures of each layer that something was recorded of, by its index in the model
/// @param modalities how images and text differ, of the same layers, if there are both
public record Balance(
        TraceHeader header,
        Length length,
        SortedMap<Integer, LayerBalance> layers,
        SortedMap<Integer, ModalityBalance> modalities,
        Reuse reuse) {
    /// Tokens up to which their number is told apart.
    static final int MOST_TOKENS = 1 << 10;

    /// How much was recorded.
    ///
    /// @param prefillTokens tokens of prompts
    /// @param decodeTokens generated tokens
    /// @param imageTokens those of them that are images'
    /// @param requests runs of tokens of one request
    public record Length(long prefillTokens, long decodeTokens, long imageTokens, long requests) {}

    /// Within what an expert is chosen again.
    ///
    /// @param tokens within how many tokens, in its layer; requests are taken one after another
    /// @param ofLayer within how many distinct experts of its layer, itself included: the hit rate of an LRU of as
    ///     many slots for each layer
    /// @param ofModel within how many distinct experts of the model, layer after layer: the hit rate of one LRU of
    ///     as many slots, which admits each missing expert before the next is asked for
    public record Reuse(ReuseCurve tokens, ReuseCurve ofLayer, ReuseCurve ofModel) {}

    /// Reads a trace once. The memory needed is 120 bytes for each expert of each layer, whatever the trace's length.
    ///
    /// @throws MalformedModelException if the file is not a trace or names no expert at all
    public static Balance of(Path trace) {
        try (TraceReader reader = TraceReader.open(trace)) {
            Tally tally = new Tally(reader.header());
            for (TraceToken token = reader.next(); token != null; token = reader.next()) {
                tally.add(token);
            }
            if (tally.isEmpty()) {
                throw MalformedModelException.of(trace, "e", "experts in at least one line", "none");
            }
            return tally.balance();
        }
    }

    /// Returns the mean of all layers.
    public LayerBalance overall() {
        return LayerBalance.mean(layers.values());
    }

    /// Counts what all layers chose.
    private static final class Tally {
        private final TraceHeader header;
        private final LayerTally[] layers;
        private final ModalityTally[] modalities;
        private final StackDistance stack;
        private final ReuseCurve modelReuse;
        private long prefillTokens;
        private long decodeTokens;
        private long imageTokens;
        private long requests;
        private int request = -1;

        Tally(TraceHeader header) {
            this.header = header;
            layers = IntStream.range(0, header.layers())
                    .mapToObj(layer -> new LayerTally(header.experts()))
                    .toArray(LayerTally[]::new);
            modalities = IntStream.range(0, header.layers())
                    .mapToObj(layer -> new ModalityTally(header.experts()))
                    .toArray(ModalityTally[]::new);
            int numExperts = header.layers() * header.experts();
            stack = new StackDistance(numExperts);
            modelReuse = new ReuseCurve(numExperts);
        }

        void add(TraceToken token) {
            if (token.request() != request) {
                endRequest();
                request = token.request();
                requests++;
            }
            switch (token.phase()) {
                case PREFILL -> prefillTokens++;
                case DECODE -> decodeTokens++;
            }
            imageTokens += token.modality() == Modality.IMAGE ? 1 : 0;
            for (int layer = 0; layer < layers.length; layer++) {
                int[] chosen = token.experts()[layer];
                for (int expert : chosen) {
                    modalities[layer].add(token.modality(), expert);
                }
                if (chosen.length > 0) {
                    int of = layer;
                    layers[layer].add(chosen, token.weights().map(weights -> weights[of]));
                    addReuse(layer, chosen);
                }
            }
        }

        boolean isEmpty() {
            return IntStream.range(0, layers.length).allMatch(layer -> layers[layer].isEmpty());
        }

        Balance balance() {
            endRequest();
            SortedMap<Integer, LayerBalance> balances = new TreeMap<>();
            SortedMap<Integer, ModalityBalance> byModality = new TreeMap<>();
            ReuseCurve tokenReuse = new ReuseCurve(MOST_TOKENS);
            ReuseCurve layerReuse = new ReuseCurve(header.experts());
            for (int layer = 0; layer < layers.length; layer++) {
                int number = header.moeLayerIndices().get(layer);
                modalities[layer].balance().ifPresent(of -> byModality.put(number, of));
                if (!layers[layer].isEmpty()) {
                    balances.put(number, layers[layer].balance());
                    tokenReuse.addAll(layers[layer].tokenReuse());
                    layerReuse.addAll(layers[layer].expertReuse());
                }
            }
            return new Balance(
                    header,
                    new Length(prefillTokens, decodeTokens, imageTokens, requests),
                    balances,
                    byModality,
                    new Reuse(tokenReuse, layerReuse, modelReuse));
        }

        private void addReuse(int layer, int[] chosen) {
            for (int expert : chosen) {
                int distance = stack.access(layer * header.experts() + expert);
                if (distance == StackDistance.NEVER) {
                    modelReuse.addFirst();
                } else {
                    modelReuse.add(distance + 1L);
                }
            }
        }

        private void endRequest() {
            for (LayerTally layer : layers) {
                layer.endRequest();
            }
        }
    }
}
