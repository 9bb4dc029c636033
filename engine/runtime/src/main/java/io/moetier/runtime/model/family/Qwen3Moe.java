package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.ExpertStorage;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// Qwen3-MoE (Qwen Team 2025): queries and keys normalised per head.
final class Qwen3Moe {
    static final Family FAMILY = new Family(
            "qwen3_moe",
            Map.of("rms_norm_eps", 1e-6, "rope_theta", 1e4, "num_key_value_heads", 4),
            Qwen3Moe::model,
            Optional.of(rule("qwen3moe")));

    /// The language model of Qwen3-Omni (Qwen Team 2025, arXiv:2509.17765), whose towers and voice are not read.
    static final Family THINKER = new Family(FAMILY.modelType(), Map.of(), Qwen3Moe::thinker, Optional.empty());

    private Qwen3Moe() {}

    /// Returns what GGUF files of this architecture do not say themselves.
    static GgufRule rule(String architecture) {
        return GgufRule.of(architecture)
                .takes("moe_intermediate_size", "expert_feed_forward_length")
                .says("norm_topk_prob", true)
                .takes("norm_topk_prob", "expert_weights_norm")
                .takes("norm_topk_prob", "norm_top_k_prob"); // in files of Ollama
    }

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(layer -> layer(layer, SwiGlu.PROJ));
    }

    private static ModelSpec thinker(FamilyConfig config) {
        FamilyConfig text = config.nested("thinker_config")
                .textModel()
                .withDefaults(Map.of("rope_theta", 1e6, "norm_topk_prob", true))
                .withDefaults(FAMILY.defaults());
        return Decoder.of(text).prefixed("thinker.").layers(layer -> layer(layer, SwiGlu.PROJ));
    }

    /// Returns a layer whose experts are stored so.
    static LayerSpec layer(Layer layer, ExpertStorage experts) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        GroupedAttention.of(layer, "self_attn")
                                .bias(config.flag("attention_bias"), config.flag("attention_bias"))
                                .normPerHead("q_norm", "k_norm")
                                .window(layer.windowIfUsed())
                                .spec()),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer, experts)));
    }

    private static FeedForwardSpec feedForward(Layer layer, ExpertStorage experts) {
        FamilyConfig config = layer.config();
        return layer.isDenseByStep()
                ? SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"))
                : Mixture.of(layer, "mlp")
                        .renormalise(config.flag("norm_topk_prob"))
                        .experts(experts, config.siluWidth("moe_intermediate_size"))
                        .spec();
    }
}
