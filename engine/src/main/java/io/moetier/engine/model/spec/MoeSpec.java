package io.moetier.engine.model.spec;

import java.util.List;
import java.util.Optional;

/// A mixture of experts: softmax over the router's logits, the `numExpertsPerToken` most probable experts, their
/// outputs weighted by probability and summed (Shazeer et al. 2017; Jiang et al. 2024).
///
/// @param router [numExperts, hiddenSize]
/// @param normTopkProb whether the chosen probabilities are divided by their sum
/// @param experts one per expert, in the checkpoint's order
public record MoeSpec(
        LinearSpec router,
        int numExpertsPerToken,
        boolean normTopkProb,
        List<DenseSpec> experts,
        Optional<SharedExpertSpec> sharedExpert)
        implements FeedForwardSpec {
    public MoeSpec {
        experts = List.copyOf(experts);
    }

    /// Returns the number of experts to choose from.
    public int numExperts() {
        return experts.size();
    }
}
