package io.moetier.cli;

import io.moetier.engine.model.RoutingListener;
import io.moetier.engine.model.spec.LayerSpec;
import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.engine.model.spec.MoeSpec;
import io.moetier.engine.trace.TraceHeader;
import io.moetier.engine.trace.TraceToken;
import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// Gathers what the layers of a forward pass report one after the other into one record per token.
///
/// Confined to the session's thread.
final class TraceRecording implements RoutingListener {
    private final TraceHeader header;
    private final Consumer<TraceToken> sink;
    private int[][][] experts = {}; // [tokens][MoE layers][k]
    private float[][][] weights = {};
    private Tier[][][] tiers = {};

    /// Hands each token to `sink` once all its layers are known.
    TraceRecording(TraceHeader header, Consumer<TraceToken> sink) {
        this.header = header;
        this.sink = sink;
    }

    /// Returns the header of a recording of a model.
    static TraceHeader header(String model, ModelSpec spec) {
        List<LayerSpec> layers = spec.layers();
        List<Integer> moeLayers = new ArrayList<>();
        for (int layer = 0; layer < layers.size(); layer++) {
            if (layers.get(layer).feedForward() instanceof MoeSpec) {
                moeLayers.add(layer);
            }
        }
        MoeSpec first = spec.moeLayers().getFirst();
        return TraceHeader.of(model, first.numExperts(), first.numExpertsPerToken(), moeLayers, "");
    }

    @Override
    public void onRouting(
            int layer, Phase phase, int firstPosition, int n, int k, int[] ids, float[] probabilities, Tier[] found) {
        int numLayers = header.layers();
        int index = header.moeLayerIndices().indexOf(layer);
        if (index == 0) {
            experts = new int[n][numLayers][];
            weights = new float[n][numLayers][];
            tiers = new Tier[n][numLayers][];
        }
        for (int i = 0; i < n; i++) {
            experts[i][index] = Arrays.copyOfRange(ids, i * k, (i + 1) * k);
            weights[i][index] = Arrays.copyOfRange(probabilities, i * k, (i + 1) * k);
            tiers[i][index] = Arrays.copyOfRange(found, i * k, (i + 1) * k);
        }
        if (index == numLayers - 1) {
            for (int i = 0; i < n; i++) {
                sink.accept(new TraceToken(
                        0, firstPosition + i, phase, experts[i], Optional.of(weights[i]), Optional.of(tiers[i])));
            }
        }
    }
}
