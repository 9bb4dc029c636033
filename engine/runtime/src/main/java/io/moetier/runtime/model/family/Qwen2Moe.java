package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
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

/// Qwen1.5-MoE and Qwen2-MoE (Qwen Team 2024): a gated shared expert beside the routed ones.
final class Qwen2Moe {
    static final Family FAMILY = new Family(
            "qwen2_moe",
            Map.of(
                    "rms_norm_eps",
                    1e-6,
                    "rope_theta",
                    1e4,
                    "num_key_value_heads",
                    16,
                    "max_window_layers",
                    28,
                    "qkv_bias",
                    true),
            Qwen2Moe::model,
            Optional.of(GgufRule.of("qwen2moe")
                    .takes("moe_intermediate_size", "expert_feed_forward_length")
                    .takes("shared_expert_intermediate_size", "expert_shared_feed_forward_length")
                    .says("norm_topk_prob", false)
                    .takes("norm_topk_prob", "expert_weights_norm")));

    private Qwen2Moe() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(Qwen2Moe::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        GroupedAttention.of(layer, "self_attn")
                                .bias(config.flag("qkv_bias"), false)
                                .window(layer.windowIfUsedAlternating())
                                .spec()),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        return layer.isDenseByStep()
                ? SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"))
                : Mixture.of(layer, "mlp")
                        .renormalise(config.flag("norm_topk_prob"))
                        .experts(SwiGlu.PROJ, config.siluWidth("moe_intermediate_size"))
                        .shared(
                                "shared_expert",
                                SwiGlu.PROJ,
                                config.siluWidth("shared_expert_intermediate_size"),
                                Optional.of("shared_expert_gate"))
                        .spec();
    }
}
