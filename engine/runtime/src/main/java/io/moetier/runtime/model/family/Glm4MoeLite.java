package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.MultiHeadLatentAttention;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// GLM-4.7-Flash (Z.ai 2026): the attention and the routing of DeepSeek-V3.
final class Glm4MoeLite {
    static final Family FAMILY = new Family(
            "glm4_moe_lite",
            Map.of(
                    "rms_norm_eps",
                    1e-5,
                    "rope_theta",
                    1e6,
                    "rope_interleave",
                    true,
                    "n_group",
                    1,
                    "topk_group",
                    1,
                    "norm_topk_prob",
                    true,
                    "routed_scaling_factor",
                    1.8,
                    "first_k_dense_replace",
                    1,
                    "n_shared_experts",
                    1),
            Glm4MoeLite::model,
            Optional.empty());

    private Glm4MoeLite() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(Glm4MoeLite::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        MultiHeadLatentAttention.of(layer, "self_attn")
                                .interleaved(config.flag("rope_interleave"))
                                .spec()),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        return layer.isDenseByType()
                ? SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"))
                : Mixture.of(layer, "mlp", "n_routed_experts", "num_experts_per_tok")
                        .withoutAuxiliaryLoss()
                        .experts(SwiGlu.PROJ, config.siluWidth("moe_intermediate_size"))
                        .sharedOfWidth("shared_experts", SwiGlu.PROJ, "n_shared_experts", "moe_intermediate_size")
                        .spec();
    }
}
