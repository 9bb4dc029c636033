package io.moetier.runtime.model.family;

import io.moetier.kernels.device.Routing.Groups;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.ExpertStorage;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.FusedSwiGlu;
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

/// Mistral Small 4 (Mistral AI 2026): the attention of DeepSeek-V3, whose queries grow with their position, and experts
/// that a softmax chooses.
final class Mistral4 {
    private static final Map<String, Object> DEFAULTS = Map.of(
            "rms_norm_eps",
            1e-6,
            "rope_theta",
            1e4,
            "rope_interleave",
            true,
            "n_group",
            1,
            "topk_group",
            1,
            "norm_topk_prob",
            true,
            "routed_scaling_factor",
            1.0,
            "first_k_dense_replace",
            0,
            "n_shared_experts",
            1);

    private static final ExpertStorage EXPERTS =
            FusedSwiGlu.halves("experts.gate_up_proj", "experts.down_proj").orEach(SwiGlu.PROJ);

    static final Family FAMILY = new Family(
            "mistral4",
            DEFAULTS,
            Mistral4::model,
            Optional.of(GgufRule.of("mistral4").routedAsDeepseek().latent().tempered()));

    /// The language model of a `mistral3`, whose tower is not read.
    static final Family BEHIND_TOWER =
            new Family(FAMILY.modelType(), Map.of(), Mistral4::modelBehindTower, Optional.empty());

    private Mistral4() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(Mistral4::layer);
    }

    private static ModelSpec modelBehindTower(FamilyConfig config) {
        FamilyConfig text = config.textModel();
        String type = text.json().requireString("model_type");
        if (!type.equals(FAMILY.modelType())) {
            throw text.json().unexpected("model_type", FAMILY.modelType() + ", which has experts", type);
        }
        return Decoder.of(text.withDefaults(DEFAULTS))
                .prefixed("language_model.")
                .layers(Mistral4::layer);
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
        if (layer.isBefore("first_k_dense_replace")) {
            return SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"));
        }
        Mixture mixture = Mixture.of(layer, "mlp", "n_routed_experts", "num_experts_per_tok")
                .groups("n_group", "topk_group", Groups.Rank.SUM_OF_TWO);
        if (config.flag("norm_topk_prob")) {
            mixture.normalise(Normalisation.sumAnd(1e-20));
        }
        return mixture.times(config.number("routed_scaling_factor"))
                .experts(EXPERTS, config.siluWidth("moe_intermediate_size"))
                .sharedOfWidth("shared_experts", SwiGlu.PROJ, "n_shared_experts", "moe_intermediate_size")
                .spec();
    }
}
