package io.moetier.runtime.session;

import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.pass.RoutingListener;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.trace.Census;
import io.moetier.storage.model.Tier;
import java.util.Arrays;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// Counts what a session's routers choose, of prompts and answers alike. A pass that is cancelled or fails before its
/// last layer counts nothing: its tokens have chosen no experts of the layers to come. Allocates nothing when told.
public final class CensusTally implements RoutingListener {
    private final long[][] counts; // by layer of the model; empty for layers without experts
    private final long[][] ofPass; // of the pass under way
    private final Part[] parts; // by layer with experts
    private long tokens;

    /// Layers that a pass goes through from the first to the last with experts: an encoder's, a decoder's, or those
    /// behind it.
    private record Part(int first, int last, boolean countsTokens) {}

    /// @param spec the model that the session runs
    public CensusTally(ModelSpec spec) {
        counts = new long[spec.layers().size()][0];
        parts = new Part[counts.length];
        for (int layer = 0; layer < counts.length; layer++) {
            Optional<MoeSpec> moe = spec.layers().get(layer).moe();
            if (moe.isPresent()) {
                counts[layer] = new long[moe.get().numExperts()];
            }
        }
        ofPass = Arrays.stream(counts).map(long[]::clone).toArray(long[][]::new);
        addPart(0, spec.encoderLayers(), true);
        addPart(spec.encoderLayers(), spec.numMainLayers(), true);
        addPart(spec.numMainLayers(), counts.length, false);
    }

    private void addPart(int from, int end, boolean countsTokens) {
        int[] layers = IntStream.range(from, end)
                .filter(layer -> counts[layer].length > 0)
                .toArray();
        for (int layer : layers) {
            parts[layer] = new Part(layers[0], layers[layers.length - 1], countsTokens);
        }
    }

    @Override
    public void onRouting(int layer, Pass pass, int k, int[] ids, float[] weights, Tier[] tiers) {
        int n = pass.n();
        Part part = parts[layer];
        if (layer == part.first) {
            for (int i = part.first; i <= part.last; i++) {
                Arrays.fill(ofPass[i], 0); // what a pass has left that did not come to its end
            }
        }
        for (int i = 0; i < n * k; i++) {
            if (ids[i] >= 0 && ids[i] < ofPass[layer].length) { // neither none nor an identity
                ofPass[layer][ids[i]]++;
            }
        }
        if (layer == part.last) {
            add(part);
            tokens += part.countsTokens ? n : 0;
        }
    }

    private void add(Part part) {
        for (int layer = part.first; layer <= part.last; layer++) {
            for (int expert = 0; expert < counts[layer].length; expert++) {
                counts[layer][expert] += ofPass[layer][expert];
            }
        }
    }

    /// Returns how many tokens have been counted, an encoder's and a decoder's alike.
    public long tokens() {
        return tokens;
    }

    /// Returns the counts so far.
    public Census census() {
        SortedMap<Integer, long[]> byLayer = new TreeMap<>();
        for (int layer = 0; layer < counts.length; layer++) {
            if (counts[layer].length > 0) {
                byLayer.put(layer, counts[layer]);
            }
        }
        return Census.of(tokens, byLayer);
    }
}
