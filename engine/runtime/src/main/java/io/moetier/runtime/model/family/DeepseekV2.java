package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.MultiHeadLatentAttention;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// DeepSeek-V2 and V2-Lite (DeepSeek-AI 2024, arXiv:2405.04434).
///
/// With YaRN, scores are sharpened as DeepSeek's own code does and the weights were trained for; the class in
/// transformers leaves that out.
final class DeepseekV2 {
    /// Only GGUF files say so, of models that Mistral made after this one.
    private static final String RENORMALISED = "expert_weights_norm";

    static final Family FAMILY = new Family(
            "deepseek_v2",
            Map.of(
                    "rms_norm_eps",
                    1e-6,
                    "rope_theta",
                    1e4,
                    "topk_method",
                    "greedy",
                    RENORMALISED,
                    false,
                    "routed_scaling_factor",
                    1.0,
                    "first_k_dense_replace",
                    0,
                    "n_shared_experts",
                    2),
            DeepseekV2::model,
            Optional.of(GgufRule.of("deepseek2")
                    .routedAsDeepseek()
                    .takes(RENORMALISED, "expert_weights_norm")
                    .latent()
                    .tempered()
                    .says("topk_method", "greedy")));

    private DeepseekV2() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(DeepseekV2::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        MultiHeadLatentAttention.of(layer, "self_attn").spec()),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        return layer.isBefore("first_k_dense_replace")
                ? SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"))
                : Mixture.of(layer, "mlp", "n_routed_experts", "num_experts_per_tok")
                        .bestGroups()
                        .renormalise(config.flag(RENORMALISED))
                        .times(config.number("routed_scaling_factor"))
                        .experts(SwiGlu.PROJ, config.siluWidth("moe_intermediate_size"))
                        .sharedOfWidth("shared_experts", SwiGlu.PROJ, "n_shared_experts", "moe_intermediate_size")
                        .spec();
    }
}
