package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.Routing;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;

/// What chooses the experts of a token: a linear map to one logit per expert, and the rule that reads them.
///
/// @param linear [numExperts, hiddenSize]
/// @param correction `[numExperts]`, what is added to each score for the choice only, where the family has it (Wang et
///     al. 2024, arXiv:2408.15664)
/// @param capacity how many tokens an expert takes, where the family limits it
public record RouterSpec(
        LinearSpec linear, Optional<VectorSpec> correction, Routing routing, Optional<CapacitySpec> capacity) {
    /// Returns this router choosing `k` experts.
    RouterSpec withExpertsPerToken(int k) {
        return new RouterSpec(linear, correction, routing.choosing(k), capacity);
    }

    /// Returns the vectors that are not a bias of the linear map.
    List<VectorSpec> vectors() {
        return correction.stream().toList();
    }
}
