package io.moetier.runtime.remote;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.offload.ExpertSource;
import io.moetier.runtime.offload.SlotBudget;
import io.moetier.storage.expert.BlockLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntFunction;

/// What is known of the experts that a machine computes for others.
///
/// @param source where they are read
/// @param layoutOf block layout of the experts of a layer
/// @param activations what experts compute between their projections, by layer
public record SharedExperts(
        ExpertSource source, IntFunction<BlockLayout> layoutOf, Map<Integer, FfnActivation> activations) {
    public SharedExperts {
        activations = Map.copyOf(activations);
    }

    /// Returns what experts of a model compute between their projections, by layer.
    public static Map<Integer, FfnActivation> activations(ModelSpec spec) {
        Map<Integer, FfnActivation> activations = new LinkedHashMap<>();
        for (int layer = 0; layer < spec.layers().size(); layer++) {
            LayerSpec layerSpec = spec.layers().get(layer);
            int number = layer;
            layerSpec
                    .moe()
                    .ifPresent(moe ->
                            activations.put(number, moe.experts().getFirst().activation()));
        }
        return activations;
    }

    /// Returns the smallest budget: one expert of each size.
    public long minimumBytes() {
        return SlotBudget.of(source, 1).minimumBytes();
    }
}
