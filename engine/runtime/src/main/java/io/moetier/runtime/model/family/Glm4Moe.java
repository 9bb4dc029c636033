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
import java.util.Map;
import java.util.Optional;

/// GLM-4.5 and 4.6 (Z.ai 2025, arXiv:2508.06471): the routing of DeepSeek-V3, half of each head rotated.
final class Glm4Moe {
    static final Family FAMILY = new Family(
            "glm4_moe",
            Map.of(
                    "rms_norm_eps",
                    1e-5,
                    "rope_theta",
                    1e4,
                    "num_key_value_heads",
                    8,
                    "partial_rotary_factor",
                    0.5,
                    "n_group",
                    1,
                    "topk_group",
                    1,
                    "routed_scaling_factor",
                    1.0,
                    "norm_topk_prob",
                    true,
                    "first_k_dense_replace",
                    1,
                    "n_shared_experts",
                    1),
            Glm4Moe::model,
            Optional.of(GgufRule.of("glm4moe")
                    .sigmoid()
                    .routedAsDeepseek()
                    .needs("rotary_dim", "rope.dimension_count")
                    .named("ffn_norm", "post_attention_norm")));

    /// What Solar Open (Upstage 2026) leaves out: all layers have experts, and whole heads are rotated.
    static final Map<String, Object> SOLAR =
            Map.of("head_dim", 128, "partial_rotary_factor", 1.0, "first_k_dense_replace", 0, "rope_theta", 1e6);

    /// The language model of GLM-4.5V and 4.6V (Z.ai 2025, arXiv:2507.01006), whose tower is not read.
    static final Family BEHIND_TOWER =
            new Family(FAMILY.modelType(), Map.of(), Glm4Moe::modelBehindTower, Optional.empty());

    private Glm4Moe() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(Glm4Moe::layer);
    }

    private static ModelSpec modelBehindTower(FamilyConfig config) {
        FamilyConfig text =
                config.textModel().withDefaults(FAMILY.defaults()).withDefaults(Map.of("attention_bias", true));
        return Decoder.of(text).prefixed("language_model.").layers(Glm4Moe::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.rms(layer.name("input_layernorm")), attention(layer)),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static AttentionSpec attention(Layer layer) {
        FamilyConfig config = layer.config();
        GroupedAttention attention = GroupedAttention.of(layer, "self_attn")
                .bias(config.flag("attention_bias"), false)
                .rope(Optional.of(config.partialRope()));
        return (config.flag("use_qk_norm") ? attention.normPerHead("q_norm", "k_norm") : attention).spec();
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        return layer.isBefore("first_k_dense_replace")
                ? SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"))
                : Mixture.of(layer, "mlp", "n_routed_experts", "num_experts_per_tok")
                        .withoutAuxiliaryLoss()
                        .experts(SwiGlu.PROJ, config.siluWidth("moe_intermediate_size"))
                        .sharedOfWidth("shared_experts", SwiGlu.PROJ, "n_shared_experts", "moe_intermediate_size")
                        .spec();
    }
}
