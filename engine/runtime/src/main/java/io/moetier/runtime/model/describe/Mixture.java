package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.Routing;
import io.moetier.kernels.device.Routing.Groups;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.device.Routing.Score;
import io.moetier.kernels.device.Routing.SparseMixer;
import io.moetier.runtime.model.spec.CapacitySpec;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.LatentSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.RouterSpec;
import io.moetier.runtime.model.spec.SharedExpertSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// Describes a mixture of experts.
public final class Mixture {
    private final FamilyConfig config;
    private final String prefix;
    private final int numExperts;
    private int numChoices;
    private Routing routing;
    private String router = "gate";
    private boolean routerBias;
    private Optional<VectorSpec> correction = Optional.empty();
    private Optional<CapacitySpec> capacity = Optional.empty();
    private Optional<NormSpec> routerNorm = Optional.empty();
    private Optional<VectorSpec> factors = Optional.empty();
    private Optional<VectorSpec> byToken = Optional.empty();
    private List<DenseSpec> experts = List.of();
    private Optional<SharedExpertSpec> shared = Optional.empty();
    private Optional<VectorSpec> bias = Optional.empty();
    private Optional<LatentSpec> latent = Optional.empty();
    private boolean weighsInputs;

    private Mixture(Layer layer, String name, int numExperts, int numExpertsPerToken) {
        config = layer.config();
        prefix = name.isEmpty() ? layer.prefix() : layer.name(name) + ".";
        this.numExperts = numExperts;
        numChoices = numExperts;
        routing = Routing.softmax(numExperts, numExpertsPerToken);
    }

    /// Starts from a router called `name.gate`: softmax over all experts, the likeliest weighted by their
    /// probability; `num_experts` or `num_local_experts` of them, `num_experts_per_tok` chosen.
    public static Mixture of(Layer layer, String name) {
        int numExperts = layer.config().numExperts("num_experts", "num_local_experts");
        return of(layer, name, numExperts, layer.config().numExpertsPerToken("num_experts_per_tok", numExperts));
    }

    /// Starts from the same with the numbers of experts under these keys.
    ///
    /// @param name empty where its tensors are called as the layer's own
    public static Mixture of(Layer layer, String name, String number, String perToken) {
        int numExperts = layer.config().numExperts(number);
        return of(layer, name, numExperts, layer.config().numExpertsPerToken(perToken, numExperts));
    }

    /// Starts from the same with the numbers of experts under these keys, which may differ between layers.
    public static Mixture ofLayer(Layer layer, String name, String number, String perToken) {
        int numExperts = layer.numExperts(number);
        int numExpertsPerToken = layer.positive(perToken);
        if (numExpertsPerToken > numExperts) {
            throw layer.config().json().unexpected(perToken, "at most " + numExperts + " experts", numExpertsPerToken);
        }
        return of(layer, name, numExperts, numExpertsPerToken);
    }

    /// Starts from the same with these numbers of experts.
    public static Mixture of(Layer layer, String name, int numExperts, int numExpertsPerToken) {
        if (numExperts < numExpertsPerToken) {
            throw layer.config()
                    .json()
                    .unexpected("num_experts", "at least the " + numExpertsPerToken + " of a token", numExperts);
        }
        return new Mixture(layer, name, numExperts, numExpertsPerToken);
    }

    /// Adds identities to choose from, as many as `zero_expert_num` says; to be said before anything of the router.
    public Mixture identities() {
        config.json()
                .optionalString("zero_expert_type")
                .filter(type -> !type.equals("identity"))
                .ifPresent(type -> {
                    throw config.json().unexpected("zero_expert_type", "identity", type);
                });
        numChoices = numExperts + config.numExperts("zero_expert_num");
        routing = Routing.softmax(numChoices, routing.numExpertsPerToken());
        return this;
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
        correction = Optional.of(VectorSpec.of(prefix + name, numChoices));
        return this;
    }

    /// Adds a vector called `name`, stored as one row, to the scores, for the choice only.
    public Mixture correctionRow(String name) {
        TensorSlice row = TensorSlice.rows(prefix + name, List.of(1L, (long) numExperts), 0, 1);
        correction = Optional.of(new VectorSpec(prefix + name, numExperts, Optional.of(row)));
        return this;
    }

    /// Chooses from the best groups, as many as the keys say: `numGroups`, and how many are kept.
    public Mixture groups(String numGroups, String kept, Groups.Rank rank) {
        routing = routing.grouped(config.groups(numGroups, kept, rank, numExperts, routing.numExpertsPerToken()));
        return this;
    }

    /// Leaves none of the experts of other groups to choose from, whatever the corrections.
    public Mixture exclusiveGroups() {
        routing = routing.grouped(routing.groups().exclusively());
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

    /// Limits how many tokens an expert takes.
    public Mixture capacity(CapacitySpec limit) {
        capacity = Optional.of(limit);
        return this;
    }

    /// Has the router read the residual stream, normalised by the root mean square and multiplied by the vector `scale`
    /// and by `factor`.
    public Mixture routerNorm(String scale, float factor) {
        VectorSpec weight = VectorSpec.of(prefix + scale, config.hiddenSize());
        routerNorm = Optional.of(NormSpec.rms(weight, config.eps(), factor));
        return this;
    }

    /// Multiplies the weights of each expert by its element of the vector `name`.
    public Mixture factors(String name) {
        factors = Optional.of(VectorSpec.of(prefix + name, numExperts));
        return this;
    }

    /// Chooses by what a table called `name` says of each token, so that logits only weigh (Roller et al. 2021,
    /// arXiv:2106.04426).
    public Mixture byToken(String name) {
        int vocabSize = config.positive("vocab_size");
        byToken = Optional.of(VectorSpec.table(prefix + name, vocabSize, routing.numExpertsPerToken()));
        return this;
    }

    /// Multiplies the weights.
    public Mixture times(double factor) {
        routing = routing.times(factor);
        return this;
    }

    /// Has experts work in a space of `size` elements; to be said before they are described.
    public Mixture latent(String down, String up, int size) {
        latent = Optional.of(new LatentSpec(
                LinearSpec.named(prefix + down, size, config.hiddenSize(), false),
                LinearSpec.named(prefix + up, config.hiddenSize(), size, false)));
        return this;
    }

    /// Describes the experts.
    public Mixture experts(ExpertStorage storage, int width) {
        int inputSize = latent.map(LatentSpec::size).orElse(config.hiddenSize());
        experts = IntStream.range(0, numExperts)
                .mapToObj(expert -> storage.expert(prefix, expert, numExperts, inputSize, width))
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

    /// Adds the shared experts of DeepSeekMoE, one MLP called `name` that is `number` times as wide as an expert; none
    /// where the file says no number, or 0.
    public Mixture sharedOfWidth(String name, SwiGlu names, String number, String width) {
        int count = config.json().optionalInt(number).orElse(0);
        return count == 0
                ? this
                : shared(name, names, config.times(config.positive(number), width, config.siluWidth(width)));
    }

    /// Chooses from groups if `topk_method` says so, by the best expert of each, as DeepSeek-V2 does.
    public Mixture bestGroups() {
        String method = config.json().requireString("topk_method");
        return switch (method) {
            case "greedy" -> this;
            case "group_limited_greedy" -> groups("n_group", "topk_group", Groups.Rank.BEST);
            default -> throw config.json().unexpected("topk_method", "greedy or group_limited_greedy", method);
        };
    }

    /// Routes as DeepSeek-V3 does (arXiv:2412.19437, section 2.1.2): by sigmoid scores with a correction, from groups
    /// whose two best experts are best, with the keys of its `config.json`.
    public Mixture withoutAuxiliaryLoss() {
        score(Score.SIGMOID);
        correction(router + ".e_score_correction_bias");
        groups("n_group", "topk_group", Groups.Rank.SUM_OF_TWO);
        if (config.flag("norm_topk_prob")) {
            normalise(Normalisation.sumAnd(1e-20));
        }
        return times(config.number("routed_scaling_factor"));
    }

    /// Chooses by sparsemixer, with `router_jitter_noise`, which is defined for two experts.
    public Mixture sparseMixer() {
        if (routing.numExpertsPerToken() != 2) {
            throw config.json()
                    .unexpected("num_experts_per_tok", "2, as sparsemixer chooses", routing.numExpertsPerToken());
        }
        return score(new SparseMixer(config.json().requireDouble("router_jitter_noise")));
    }

    /// Adds a vector called `name` to the weighted sum of the experts.
    public Mixture bias(String name) {
        bias = Optional.of(VectorSpec.of(prefix + name, config.hiddenSize()));
        return this;
    }

    /// Multiplies what experts read by the router's weights, instead of what they give.
    public Mixture weighInputs() {
        weighsInputs = true;
        return this;
    }

    /// Returns the block.
    public MoeSpec spec() {
        return new MoeSpec(
                new RouterSpec(
                        LinearSpec.named(prefix + router, numChoices, config.hiddenSize(), routerBias),
                        correction,
                        routing,
                        capacity,
                        routerNorm,
                        factors,
                        byToken),
                experts,
                shared,
                bias,
                latent,
                weighsInputs);
    }
}
