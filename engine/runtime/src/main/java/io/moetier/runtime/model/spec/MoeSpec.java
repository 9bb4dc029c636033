package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// A mixture of experts: a router chooses experts for each token, whose outputs are weighted and summed (Shazeer et
/// al. 2017).
///
/// The router may choose from more than there are experts: each id from the number of experts on is an identity, whose
/// result is the block's input (zero-computation experts: Jin et al. 2024, arXiv:2410.07348; LongCat,
/// arXiv:2509.01322).
///
/// @param experts one per expert, in the checkpoint's order
/// @param bias added to the weighted sum of the routed experts, where the family has one
/// @param latent the space in which experts work, where it is not the residual stream's
/// @param weighsInputs whether the router's weights multiply what experts read, instead of what they give
public record MoeSpec(
        RouterSpec router,
        List<DenseSpec> experts,
        Optional<SharedExpertSpec> sharedExpert,
        Optional<VectorSpec> bias,
        Optional<LatentSpec> latent,
        boolean weighsInputs)
        implements FeedForwardSpec {
    /// @throws IllegalArgumentException if the experts' space is wider than the residual stream
    public MoeSpec {
        experts = List.copyOf(experts);
        int hiddenSize = router.linear().cols();
        latent.ifPresent(space -> Range.require("elements of what experts read", space.size(), 1, hiddenSize));
    }

    /// Returns the elements of what an expert reads, and of what it gives.
    public int expertSize() {
        return experts.getFirst().up().cols();
    }

    /// Returns the number of experts.
    public int numExperts() {
        return experts.size();
    }

    /// Returns how many ids the router chooses from: experts, and identities behind them.
    public int numChoices() {
        return router.routing().numExperts();
    }

    /// Returns how many experts a token is sent to.
    public int numExpertsPerToken() {
        return router.routing().numExpertsPerToken();
    }

    /// Returns the parameters of the mixture: those of all experts and of the router.
    public long totalParameters() {
        return otherParameters()
                + experts.stream().mapToLong(DenseSpec::numParameters).sum();
    }

    /// Returns those of them that one token uses: all but the experts it is not sent to.
    public long activeParameters() {
        return otherParameters() + numExpertsPerToken() * experts.getFirst().numParameters();
    }

    private long otherParameters() {
        return linears().stream().mapToLong(LinearSpec::numParameters).sum()
                + vectors().stream().mapToLong(VectorSpec::size).sum();
    }

    /// Returns this mixture with each token sent to `k` experts.
    ///
    /// @throws IllegalArgumentException if there are fewer
    MoeSpec withExpertsPerToken(int k) {
        return new MoeSpec(router.withExpertsPerToken(k), experts, sharedExpert, bias, latent, weighsInputs);
    }

    /// Returns the matrices that decide which experts run and how much they count.
    public List<LinearSpec> routingLinears() {
        List<LinearSpec> linears = new ArrayList<>(List.of(router.linear()));
        sharedExpert.flatMap(SharedExpertSpec::gate).ifPresent(linears::add);
        return linears;
    }

    @Override
    public List<VectorSpec> vectors() {
        return Stream.concat(router.vectors().stream(), bias.stream()).toList();
    }

    @Override
    public List<LinearSpec> linears() {
        List<LinearSpec> linears = new ArrayList<>(List.of(router.linear()));
        sharedExpert.ifPresent(shared -> {
            linears.addAll(shared.ffn().linears());
            shared.gate().ifPresent(linears::add);
        });
        latent.ifPresent(space -> linears.addAll(List.of(space.down(), space.up())));
        return linears;
    }

    /// What experts read and their sum, where they work in a space of their own; what the router reads, where it has a
    /// norm of its own.
    @Override
    public List<Integer> intermediates() {
        int latents = latent.map(LatentSpec::size).orElse(0);
        return List.of(latents, latents, router.norm().map(NormSpec::size).orElse(0));
    }
}
