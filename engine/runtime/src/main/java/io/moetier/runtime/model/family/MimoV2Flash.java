package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.storage.format.JsonObject;
import java.util.Map;
import java.util.Optional;

/// MiMo-V2-Flash (Xiaomi 2026, arXiv:2601.02780): layers that slide, with sinks and heads and rotations of their own,
/// and layers that do not; values narrower than keys; the routing of DeepSeek-V3 without shared experts.
final class MimoV2Flash {
    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";
    private static final String SCALING = "rope_parameters";

    /// Where no list says otherwise, the last of so many layers does not slide, and neither does the first of all.
    private static final int PERIOD = 6;

    static final Family FAMILY = new Family(
            "mimo_v2_flash",
            Map.ofEntries(
                    Map.entry("rms_norm_eps", 1e-5),
                    Map.entry("rope_theta", 5e6),
                    Map.entry("swa_rope_theta", 1e4),
                    Map.entry("partial_rotary_factor", 0.334),
                    Map.entry("head_dim", 192),
                    Map.entry("v_head_dim", 128),
                    Map.entry("num_key_value_heads", 4),
                    Map.entry("sliding_window", 128),
                    Map.entry("attention_value_scale", 0.707),
                    Map.entry("add_swa_attention_sink_bias", true),
                    Map.entry("n_group", 1),
                    Map.entry("topk_group", 1),
                    Map.entry("norm_topk_prob", true),
                    Map.entry("max_position_embeddings", 131072)),
            MimoV2Flash::model,
            Optional.of(GgufRule.of("mimo2")
                    .sigmoid()
                    .needs("n_routed_experts", "expert_count")
                    .needs("moe_intermediate_size", "expert_feed_forward_length")
                    .needs("v_head_dim", "attention.value_length")
                    .needs("rotary_dim", "rope.dimension_count")
                    .takes("swa_head_dim", "attention.key_length_swa")
                    .takes("swa_v_head_dim", "attention.value_length_swa")
                    .takes("swa_rotary_dim", "rope.dimension_count_swa")
                    .takes("attention_value_scale", "attention.value_scale")
                    .grouped()
                    .slidingOr(SLIDING, FULL, "swa_num_key_value_heads", "num_key_value_heads")));

    private static final Map<String, Object> UNSCALED = Map.of("routed_scaling_factor", 1.0);

    /// What sliding layers have for themselves.
    private static final Map<String, String> OF_SLIDING = Map.of(
            "num_attention_heads", "swa_num_attention_heads",
            "num_key_value_heads", "swa_num_key_value_heads",
            "head_dim", "swa_head_dim",
            "v_head_dim", "swa_v_head_dim",
            "rotary_dim", "swa_rotary_dim",
            "rope_theta", "swa_rope_theta");

    private MimoV2Flash() {}

    private static ModelSpec model(FamilyConfig config) {
        config.requireWord("scoring_func", "sigmoid");
        config.requireWord("topk_method", "noaux_tc");
        config.requireWord("attention_projection_layout", "split");
        config.requireNone("n_shared_experts", "hybrid_block_size");
        int twice = config.times(config.numKeyValueHeads(), "num_key_value_heads", 2);
        FamilyConfig read = config.renamed(Map.of("rms_norm_eps", "layernorm_epsilon"))
                .withDefaults(Map.of("swa_num_key_value_heads", twice));
        boolean scaled = config.json().has("routed_scaling_factor"); // null is none
        return Decoder.of(scaled ? read : read.without("routed_scaling_factor").withDefaults(UNSCALED))
                .layers(MimoV2Flash::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.rms(layer.name("input_layernorm")), attention(layer)),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static AttentionSpec attention(Layer layer) {
        boolean slides = slides(layer);
        FamilyConfig config = slides ? layer.config().renamed(OF_SLIDING) : layer.config();
        GroupedAttention attention = GroupedAttention.of(new Layer(config, layer.index(), layer.prefix()), "self_attn")
                .bias(config.flag("attention_bias"), false)
                .valueDim(config.positive("v_head_dim"))
                .valueScale(numberOrOne(config, "attention_value_scale"))
                .window(slides ? window(config) : 0)
                .rope(Optional.of(rotated(config, slides).partialRope()));
        boolean sinks = config.flag(slides ? "add_swa_attention_sink_bias" : "add_full_attention_sink_bias");
        return (sinks ? attention.sinks("attention_sink_bias") : attention).spec();
    }

    private static boolean slides(Layer layer) {
        boolean usual = layer.index() != 0 && !layer.isLastOf(PERIOD);
        return layer.isOfType(SLIDING, FULL, isOn(layer, "hybrid_layer_pattern", usual));
    }

    /// Says what the list `key` has for the layer: 1 or 0.
    private static boolean isOn(Layer layer, String key, boolean otherwise) {
        return layer.config()
                .json()
                .optionalInts(key)
                .map(ofLayers -> layer.of(ofLayers, key) != 0)
                .orElse(otherwise);
    }

    private static int window(FamilyConfig config) {
        String again = "sliding_window_size";
        int window = config.positive("sliding_window");
        if (config.json().has(again) && config.positive(again) != window) {
            throw config.json()
                    .unexpected(
                            again,
                            window + ", as sliding_window says",
                            config.json().value(again));
        }
        return window;
    }

    /// Returns the configuration with the rotation of a kind of layers. Both have their own under `rope_parameters`, as
    /// transformers writes it, or what stretches positions is of those that do not slide.
    private static FamilyConfig rotated(FamilyConfig config, boolean slides) {
        String kind = slides ? SLIDING : FULL;
        if (config.json()
                .optionalObject(SCALING)
                .filter(kinds -> kinds.has(kind))
                .isPresent()) {
            return config.renamed(Map.of(SCALING, SCALING + "." + kind));
        }
        return slides ? config.without(SCALING).without("rope_scaling") : config;
    }

    /// Null is none.
    private static float numberOrOne(FamilyConfig config, String key) {
        return config.json().has(key) ? config.number(key) : 1;
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        return isDense(layer)
                ? SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"))
                : Mixture.of(layer, "mlp", "n_routed_experts", "num_experts_per_tok")
                        .withoutAuxiliaryLoss()
                        .experts(SwiGlu.PROJ, config.siluWidth("moe_intermediate_size"))
                        .spec();
    }

    /// GGUF files tell it by their tensors.
    private static boolean isDense(Layer layer) {
        JsonObject json = layer.config().json();
        if (json.has("mlp_layer_types")) {
            return layer.isDenseByType();
        }
        return json.has("mlp_only_layers") ? layer.isDenseByStep() : !isOn(layer, "moe_layer_freq", layer.index() > 0);
    }
}
