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

/// DeepSeek-V3 and R1 (DeepSeek-AI 2024, arXiv:2412.19437), and models of that shape such as Moonlight; and
/// DeepSeek-V3.2 (DeepSeek-AI 2025), whose queries read the positions that an indexer chooses.
final class DeepseekV3 {
    private static final Map<String, Object> DEFAULTS = Map.of(
            "rms_norm_eps",
            1e-6,
            "rope_theta",
            1e4,
            "rope_interleave",
            true,
            "n_group",
            8,
            "topk_group",
            4,
            "norm_topk_prob",
            true,
            "routed_scaling_factor",
            2.5,
            "first_k_dense_replace",
            3,
            "n_shared_experts",
            1);

    static final Family FAMILY = new Family(
            "deepseek_v3",
            DEFAULTS,
            DeepseekV3::model,
            Optional.of(GgufRule.of("deepseek2")
                    .sigmoid()
                    .routedAsDeepseek()
                    .latent()
                    .tempered()));

    static final Family SPARSE = new Family(
            "deepseek_v32",
            DEFAULTS,
            DeepseekV3::sparseModel,
            Optional.of(GgufRule.of("deepseek32")
                    .sigmoid()
                    .routedAsDeepseek()
                    .latent()
                    .indexed()));

    /// The language model of Kimi-VL (Moonshot AI 2025, arXiv:2504.07491) and Kimi K2.5, whose tower is not read.
    static final Family BEHIND_TOWER =
            new Family(FAMILY.modelType(), Map.of(), DeepseekV3::modelBehindTower, Optional.empty());

    private DeepseekV3() {}

    private static ModelSpec model(FamilyConfig config) {
        return model(Decoder.of(config));
    }

    private static ModelSpec modelBehindTower(FamilyConfig config) {
        return model(Decoder.of(config.textModel().withDefaults(DEFAULTS)).prefixed("language_model."));
    }

    private static ModelSpec model(Decoder decoder) {
        return decoder.layers(layer -> layer(layer, attention(layer)));
    }

    private static ModelSpec sparseModel(FamilyConfig config) {
        return Decoder.of(config).layers(layer -> layer(layer, attention(layer).indexed(true)));
    }

    private static MultiHeadLatentAttention attention(Layer layer) {
        return MultiHeadLatentAttention.of(layer, "self_attn")
                .interleaved(layer.config().flag("rope_interleave"));
    }

    private static LayerSpec layer(Layer layer, MultiHeadLatentAttention attention) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.rms(layer.name("input_layernorm")), attention.spec()),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
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
