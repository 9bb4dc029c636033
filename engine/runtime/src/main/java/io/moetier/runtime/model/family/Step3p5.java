package io.moetier.runtime.model.family;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.device.FfnActivation.CappedSwiGlu;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.device.Routing.Score;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SeparateStacks;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.storage.format.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Step-3.5-Flash (StepFun 2026, arXiv:2602.10604): layers that slide, with heads and rotations of their own, and
/// others that see all; a gate for each head; the routing of DeepSeek-V3 without groups; SwiGLU that is limited in
/// some layers.
///
/// Lists with an entry for each layer may have more behind these, of layers that guess tokens further ahead.
final class Step3p5 {
    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";
    private static final String OTHER = "attention_other_setting";
    private static final String PARAMETERS = "rope_parameters";
    private static final String SCALING = "rope_scaling";
    private static final String THETA = "rope_theta";
    private static final String SHARE = "partial_rotary_factor";
    private static final String SHARES = "partial_rotary_factors";
    private static final String ROTATED = "use_rope_layers";
    private static final String SPARSE = "moe_layers_enum";

    /// Where no list says otherwise, layers have experts from this one on.
    private static final int FIRST_SPARSE = 3;

    private static final Map<String, Object> DEFAULTS = Map.ofEntries(
            Map.entry("rms_norm_eps", 1e-5),
            Map.entry(THETA, 1e4),
            Map.entry("num_key_value_heads", 8),
            Map.entry("head_dim", 128),
            Map.entry("num_experts_per_tok", 8),
            Map.entry("moe_router_scaling_factor", 1.0),
            Map.entry("norm_expert_weight", true),
            Map.entry("use_moe", true),
            Map.entry("use_moe_router_bias", true),
            Map.entry("use_head_wise_attn_gate", true),
            Map.entry("use_qk_norm", true),
            Map.entry("zero_centered", true),
            Map.entry("max_position_embeddings", 128000));

    static final Family FAMILY = new Family(
            "step3p5",
            DEFAULTS,
            Step3p5::model,
            Optional.of(GgufRule.of("step35")
                    .sigmoid()
                    .needs("head_dim", "attention.key_length")
                    .needs("sliding_window", "attention.sliding_window")
                    .needs("moe_intermediate_size", "expert_feed_forward_length")
                    .needs("share_expert_dim", "expert_shared_feed_forward_length")
                    .takes("moe_router_scaling_factor", "expert_weights_scale")
                    .takes("norm_expert_weight", "expert_weights_norm")
                    .takes("swiglu_limits", "swiglu_clamp_exp")
                    .takes("swiglu_limits_shared", "swiglu_clamp_shexp")
                    .says("norm_expert_weight", false)
                    .denseOr("dense", "sparse")
                    .slidingOr(SLIDING, FULL, OTHER + ".num_attention_groups", "num_key_value_heads")
                    .slidingHeads(OTHER + ".num_attention_heads")
                    .rotatedShareOfFull(0.5)));

    /// The language model of Step-3.7-Flash, whose tower is not read.
    static final Family BEHIND_TOWER =
            new Family(FAMILY.modelType(), Map.of(), Step3p5::modelBehindTower, Optional.empty());

    /// What files of the hub call what others call otherwise.
    private static final Map<String, String> NAMES = Map.of(
            "num_experts", "moe_num_experts",
            "num_experts_per_tok", "moe_top_k",
            "num_key_value_heads", "num_attention_groups");

    /// What layers that slide have for themselves.
    private static final Map<String, String> OF_SLIDING = Map.of(
            "num_attention_heads", OTHER + ".num_attention_heads",
            "num_key_value_heads", OTHER + ".num_attention_groups");

    private Step3p5() {}

    private static ModelSpec model(FamilyConfig config) {
        FamilyConfig read = config.alias("share_expert_dims", "share_expert_dim")
                .alias("n_routed_experts", "num_experts")
                .renamed(NAMES);
        requireKnown(read);
        return Decoder.of(read)
                .finalNorm(read.zeroCentredRms("model.norm", read.hiddenSize()))
                .layers(Step3p5::layer);
    }

    private static ModelSpec modelBehindTower(FamilyConfig config) {
        return model(config.textModel().withDefaults(DEFAULTS));
    }

    private static void requireKnown(FamilyConfig config) {
        config.requireWord("moe_router_activation", "sigmoid");
        config.requireWord("att_impl_type", "GQA");
        config.requireNone("attention_bias", "mlp_bias", "use_mfa", "sink", "moe_layer_offset");
        Stream.of("norm_expert_weight", "use_moe", "use_moe_router_bias", "use_qk_norm", "zero_centered")
                .forEach(key -> config.requireOn(key, "true, as models without it are not supported"));
        config.requireNumber("moe_every_n_layer", 1, "");
        config.requireNumber("query_pre_attn_scalar", config.headDim(), ", as head_dim says");
        if (config.json().value(ROTATED) instanceof List<?> rotated && rotated.contains(false)) {
            throw config.json().unexpected(ROTATED, "true for each layer, since no other is supported", rotated);
        }
        if (config.json().has(OTHER)) {
            FamilyConfig other = config.nested(OTHER);
            other.requireWord("attention_type", SLIDING);
            other.requireNumber("head_dim", config.headDim(), ", as that of other layers");
            other.requireNumber("true_head_dim", config.headDim(), ", as that of other layers");
        }
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        int size = config.hiddenSize();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.zeroCentredRms(layer.name("input_layernorm"), size), attention(layer)),
                SublayerSpec.preNorm(
                        config.zeroCentredRms(layer.name("post_attention_layernorm"), size), feedForward(layer)));
    }

    private static AttentionSpec attention(Layer layer) {
        boolean slides = layer.isEntry("layer_types", SLIDING, FULL);
        FamilyConfig config = withHeads(layer, slides);
        GroupedAttention attention = GroupedAttention.of(new Layer(config, layer.index(), layer.prefix()), "self_attn")
                .zeroCentredNormPerHead("q_norm", "k_norm")
                .window(slides ? config.positive("sliding_window") : 0)
                .rope(Optional.of(rotated(layer, slides).partialRope()));
        return (config.flag("use_head_wise_attn_gate") ? attention.gateByHead("g_proj") : attention).spec();
    }

    /// Returns the configuration with the numbers of heads of a kind of layers, or of the layer alone.
    private static FamilyConfig withHeads(Layer layer, boolean slides) {
        FamilyConfig config = slides
                ? layer.config()
                        .renamed(Map.of("num_attention_heads", "num_sliding_attention_heads"))
                        .renamed(OF_SLIDING)
                : layer.config();
        return config.ofLayer(layer.index());
    }

    /// Returns the configuration with the rotation of a layer: what transformers writes for each kind of layers, or the
    /// entries of lists, where what stretches positions is of the kinds that `yarn_only_types` names.
    private static FamilyConfig rotated(Layer layer, boolean slides) {
        FamilyConfig config = layer.config();
        JsonObject json = config.json();
        String kind = slides ? SLIDING : FULL;
        if (json.optionalObject(PARAMETERS).filter(kinds -> kinds.has(kind)).isPresent()) {
            return config.renamed(Map.of(PARAMETERS, PARAMETERS + "." + kind));
        }
        if (json.has(PARAMETERS)) {
            throw json.unexpected(PARAMETERS, "what rotates each kind of layers: " + kind, json.value(PARAMETERS));
        }
        boolean isStretched = json.optionalStrings("yarn_only_types")
                .map(kinds -> kinds.contains(kind))
                .orElse(true);
        if (!json.has(SHARES)) {
            config.requireNumber(SHARE, 1, ", or " + SHARES + " for each layer");
        }
        double share = json.has(SHARES) ? layer.number(SHARES) : 1;
        return (isStretched ? config : config.without(SCALING))
                .without(THETA)
                .without(SHARE)
                .withDefaults(Map.of(THETA, layer.number(THETA), SHARE, share));
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        int size = config.hiddenSize();
        SwiGlu mlp = SwiGlu.PROJ.activated(activation(layer, "swiglu_limits_shared"));
        if (!isSparse(layer)) {
            return mlp.spec(layer.name("mlp"), size, config.siluWidth("intermediate_size"));
        }
        SeparateStacks stacks = new SeparateStacks(
                "gate_proj.weight", "up_proj.weight", "down_proj.weight", activation(layer, "swiglu_limits"));
        return Mixture.of(layer, "moe")
                .score(Score.SIGMOID)
                .correction("router_bias")
                .normalise(Normalisation.sumAnd(1e-20))
                .times(config.number("moe_router_scaling_factor"))
                .experts(stacks, config.siluWidth("moe_intermediate_size"))
                .shared(mlp.spec(layer.name("share_expert"), size, config.positive("share_expert_dim")))
                .spec();
    }

    /// Null and 0 are no limit.
    private static FfnActivation activation(Layer layer, String key) {
        double limit = layer.entry(key).isPresent() ? layer.number(key) : 0;
        if (limit != 0 && !(limit >= Float.MIN_NORMAL && limit <= Float.MAX_VALUE)) {
            throw layer.config().json().unexpected(key, "0, or a number above 0 that 32 bits hold", limit);
        }
        return limit == 0 ? FfnActivation.SWIGLU : new CappedSwiGlu((float) limit);
    }

    private static boolean isSparse(Layer layer) {
        JsonObject json = layer.config().json();
        if (json.has("mlp_layer_types")) {
            return layer.isEntry("mlp_layer_types", "sparse", "dense");
        }
        return switch (json.value(SPARSE)) {
            case null -> layer.index() >= FIRST_SPARSE;
            case String numbers
            when numbers.matches(" *[0-9]{1,6}( *, *[0-9]{1,6})* *") ->
                Stream.of(numbers.split(",")).anyMatch(number -> Integer.parseInt(number.strip()) == layer.index());
            case List<?> numbers
            when numbers.stream().allMatch(Integer.class::isInstance) -> numbers.contains(layer.index());
            case Object other ->
                throw json.unexpected(SPARSE, "numbers of layers, with commas between them or as a list", other);
        };
    }
}
