package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.Routing;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What chooses the experts of a token: a linear map to one logit per expert, and the rule that reads them.
///
/// @param linear [numExperts, hiddenSize]
/// @param correction `[numExperts]`, what is added to each score for the choice only, where the family has it (Wang et
///     al. 2024, arXiv:2408.15664)
/// @param norm of the residual stream, which the router then reads instead of what experts do
/// @param factors `[numExperts]`, on the weights of each expert, where the family has them
/// @param capacity how many tokens an expert takes, where the family limits it
/// @param byToken `[vocabulary, experts of a token]`: the experts of each token of the vocabulary, which logits then
///     only weigh (Roller et al. 2021, arXiv:2106.04426); absent where logits choose. Where fewer experts are asked
///     for than a row has, its first ones
public record RouterSpec(
        LinearSpec linear,
        Optional<VectorSpec> correction,
        Routing routing,
        Optional<CapacitySpec> capacity,
        Optional<NormSpec> norm,
        Optional<VectorSpec> factors,
        Optional<VectorSpec> byToken) {
    /// Returns a router without what few families have.
    public static RouterSpec of(LinearSpec linear, Routing routing) {
        return new RouterSpec(
                linear,
                Optional.empty(),
                routing,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /// Returns how many experts a row of the table by token has; 0 where logits choose.
    public int expertsByToken() {
        return byToken.flatMap(VectorSpec::slice)
                .map(table -> Math.toIntExact(table.shape().getLast()))
                .orElse(0);
    }

    /// Returns this router choosing `k` experts.
    ///
    /// @throws IllegalArgumentException if the table by token has fewer
    RouterSpec withExpertsPerToken(int k) {
        if (byToken.isPresent() && k > expertsByToken()) {
            throw new IllegalArgumentException("the model has layers whose experts follow from the token, and they are "
                    + expertsByToken() + ", not " + k);
        }
        return new RouterSpec(linear, correction, routing.choosing(k), capacity, norm, factors, byToken);
    }

    /// Returns the vectors that are not a bias of the linear map.
    List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>(correction.stream().toList());
        norm.ifPresent(present -> vectors.addAll(present.vectors()));
        factors.ifPresent(vectors::add);
        byToken.ifPresent(vectors::add);
        return vectors;
    }
}
