package io.moetier.runtime.session;

import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.pass.RoutingListener;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.trace.Census;
import io.moetier.storage.model.Tier;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// Counts what a session's routers choose, of prompts and answers alike. Allocates nothing when told.
public final class CensusTally implements RoutingListener {
    private final long[][] counts; // by layer of the model; empty for layers without experts
    private final boolean[] countsTokens; // the first layers with experts: the encoder's and the decoder's
    private long tokens;

    /// @param spec the model that the session runs
    public CensusTally(ModelSpec spec) {
        counts = new long[spec.layers().size()][0];
        countsTokens = new boolean[counts.length];
        boolean first = true;
        for (int layer = 0; layer < counts.length; layer++) {
            first |= layer == spec.encoderLayers();
            Optional<MoeSpec> moe = spec.layers().get(layer).moe();
            if (moe.isPresent()) {
                counts[layer] = new long[moe.get().numExperts()];
                countsTokens[layer] = first;
                first = false;
            }
        }
    }

    @Override
    public void onRouting(int layer, Pass pass, int k, int[] ids, float[] weights, Tier[] tiers) {
        int n = pass.n();
        tokens += countsTokens[layer] ? n : 0;
        for (int i = 0; i < n * k; i++) {
            if (ids[i] >= 0 && ids[i] < counts[layer].length) { // neither none nor an identity
                counts[layer][ids[i]]++;
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
