package io.moetier.engine.model.describe;

import io.moetier.engine.device.Routing;
import io.moetier.engine.model.spec.DenseSpec;
import io.moetier.engine.model.spec.LinearSpec;
import io.moetier.engine.model.spec.MoeSpec;
import io.moetier.engine.model.spec.RouterSpec;
import io.moetier.engine.model.spec.SharedExpertSpec;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// Describes a mixture of experts.
public final class Mixture {
    private final FamilyConfig config;
    private final String prefix;
    private final int numExperts;
    private final int numExpertsPerToken;
    private boolean renormalise;
    private String router = "gate";
    private List<DenseSpec> experts = List.of();
    private Optional<SharedExpertSpec> shared = Optional.empty();

    private Mixture(Layer layer, String name) {
        config = layer.config();
        prefix = layer.name(name) + ".";
        numExperts = config.numExperts("num_experts", "num_local_experts");
        numExpertsPerToken = config.numExpertsPerToken("num_experts_per_tok", numExperts);
    }

    /// Starts from a router called `name.gate`: softmax over all experts, the likeliest weighted by their
    /// probability.
    public static Mixture of(Layer layer, String name) {
        return new Mixture(layer, name);
    }

    /// Says whether the chosen probabilities are divided by their sum.
    public Mixture renormalise(boolean value) {
        renormalise = value;
        return this;
    }

    /// Describes the experts, `name.experts.N`.
    public Mixture experts(SwiGlu names, int width) {
        experts = IntStream.range(0, numExperts)
                .mapToObj(expert -> names.spec(prefix + "experts." + expert, config.hiddenSize(), width))
                .toList();
        return this;
    }

    /// Adds an expert that every token visits.
    ///
    /// @param gate what the weight of its result is computed with; absent where it counts in full
    public Mixture shared(String name, SwiGlu names, int width, Optional<String> gate) {
        shared = Optional.of(new SharedExpertSpec(
                names.spec(prefix + name, config.hiddenSize(), width),
                gate.map(linear -> LinearSpec.named(prefix + linear, 1, config.hiddenSize(), false))));
        return this;
    }

    /// Returns the block.
    public MoeSpec spec() {
        return new MoeSpec(
                new RouterSpec(
                        LinearSpec.named(prefix + router, numExperts, config.hiddenSize(), false),
                        new Routing(numExperts, numExpertsPerToken, renormalise)),
                experts,
                shared);
    }
}
