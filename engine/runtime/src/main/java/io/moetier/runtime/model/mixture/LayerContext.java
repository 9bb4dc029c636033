package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.Device;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.model.weight.Weights;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.storage.expert.BlockLayout;
import java.util.function.IntFunction;

/// What the layers of one model are made of and compute with, all of them the same.
///
/// @param weights of everything but experts
/// @param layoutOf block layout of the experts of a decoder layer
/// @param expertTiers where experts come from
/// @param places where they are computed
/// @param device that computes all else
/// @param counters of the engine
/// @param tokenExperts which experts a token is sent to
public record LayerContext(
        Weights weights,
        IntFunction<BlockLayout> layoutOf,
        ExpertTiers expertTiers,
        ExpertPlaces places,
        Device device,
        Counters counters,
        TokenExperts tokenExperts) {}
