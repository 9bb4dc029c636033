package io.moetier.engine.model.describe;

import io.moetier.engine.device.Routing;
import io.moetier.engine.device.Routing.Groups;
import io.moetier.engine.device.Routing.Normalisation;
import io.moetier.engine.device.Routing.Score;
import io.moetier.engine.model.spec.DenseSpec;
import io.moetier.engine.model.spec.LinearSpec;
import io.moetier.engine.model.spec.MoeSpec;
import io.moetier.engine.model.spec.RouterSpec;
import io.moetier.engine.model.spec.SharedExpertSpec;
import io.moetier.engine.model.spec.VectorSpec;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// Describes a mixture of experts.
public final class Mixture {
    private final FamilyConfig config;
    private final String prefix;
    private final int numExperts;
    private Routing routing;
    private String router = "gate";
    private boolean routerBias;
    private Optional<VectorSpec> correction = Optional.empty();
    private List<DenseSpec> experts = List.of();
    private Optional<SharedExpertSpec> shared = Optional.empty();

    private Mixture(Layer layer, String name, int numExperts, int numExpertsPerToken) {
        config = layer.config();
        prefix = layer.name(name) + ".";
        this.numExperts = numExperts;
        routing = Routing.softmax(numExperts, numExpertsPerToken);
    }

    /// Starts from a router called `name.gate`: softmax over all experts, the likeliest weighted by their
    /// probability; `num_experts` or `num_local_experts` of them, `num_experts_per_tok` chosen.
    public static Mixture of(Layer layer, String name) {
        int numExperts = layer.config().numExperts("num_experts", "num_local_experts");
        return of(layer, name, numExperts, layer.config().numExpertsPerToken("num_experts_per_tok", numExperts));
    }

    /// Starts from the same with these numbers of experts.
    public static Mixture of(Layer layer, String name, int numExperts, int numExpertsPerToken) {
        return new Mixture(layer, name, numExperts, numExpertsPerToken);
    }

    /// Sets what the router's linear map is called.
    public Mixture router(String name) {
        router = name;
        return this;
    }

    /// Says whether the router's linear map has a bias.
    public Mixture routerBias(boolean biased) {
        routerBias = biased;
        return this;
    }

    /// Sets what logits become.
    public Mixture score(Score score) {
        routing = routing.scoredBy(score);
        return this;
    }

    /// Adds a vector called `name` to the scores, for the choice only.
    public Mixture correction(String name) {
        correction = Optional.of(VectorSpec.of(prefix + name, numExperts));
        return this;
    }

    /// Chooses from the best groups, as many as the keys say: `numGroups`, and how many are kept.
    public Mixture groups(String numGroups, String kept, Groups.Rank rank) {
        routing = routing.grouped(config.groups(numGroups, kept, rank, numExperts, routing.numExpertsPerToken()));
        return this;
    }

    /// Says whether the chosen scores are divided by their sum.
    public Mixture renormalise(boolean value) {
        return value ? normalise(Normalisation.SUM) : this;
    }

    /// Divides the chosen scores.
    public Mixture normalise(Normalisation normalisation) {
        routing = routing.normalised(normalisation);
        return this;
    }

    /// Multiplies the weights.
    public Mixture times(double factor) {
        routing = routing.times(factor);
        return this;
    }

    /// Describes the experts.
    public Mixture experts(ExpertStorage storage, int width) {
        experts = IntStream.range(0, numExperts)
                .mapToObj(expert -> storage.expert(prefix, expert, numExperts, config.hiddenSize(), width))
                .toList();
        return this;
    }

    /// Adds an expert that every token visits, whose result counts in full.
    public Mixture shared(String name, SwiGlu names, int width) {
        return shared(name, names, width, Optional.empty());
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

    /// Adds an expert that every token visits, whose result counts in full.
    public Mixture shared(DenseSpec ffn) {
        shared = Optional.of(new SharedExpertSpec(ffn, Optional.empty()));
        return this;
    }

    /// Returns the block.
    public MoeSpec spec() {
        return new MoeSpec(
                new RouterSpec(
                        LinearSpec.named(prefix + router, numExperts, config.hiddenSize(), routerBias),
                        correction,
                        routing),
                experts,
                shared);
    }
}
