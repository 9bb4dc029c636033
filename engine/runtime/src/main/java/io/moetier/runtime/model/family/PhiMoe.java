package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// Phi-3.5-MoE (Abdin et al. 2024, arXiv:2404.14219): sparsemixer, layer norms and biases.
final class PhiMoe {
    static final Family FAMILY = new Family(
            "phimoe",
            Map.of(
                    "rms_norm_eps",
                    1e-5,
                    "rope_theta",
                    1e6,
                    "num_key_value_heads",
                    8,
                    "num_experts_per_tok",
                    2,
                    "num_local_experts",
                    16,
                    "router_jitter_noise",
                    0.01),
            PhiMoe::model,
            Optional.of(GgufRule.of("phimoe").needs("intermediate_size", "feed_forward_length")));

    private PhiMoe() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config)
                .finalNorm(config.layerNorm("model.norm"))
                .headBias(config.flag("lm_head_bias"))
                .layers(PhiMoe::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.layerNorm(layer.name("input_layernorm")),
                        GroupedAttention.of(layer, "self_attn")
                                .bias(config.flag("attention_bias"), config.flag("attention_bias"))
                                .window(config.slidingWindow())
                                .spec()),
                SublayerSpec.preNorm(
                        config.layerNorm(layer.name("post_attention_layernorm")),
                        Mixture.of(layer, "block_sparse_moe")
                                .sparseMixer()
                                .experts(SwiGlu.W, config.siluWidth("intermediate_size"))
                                .spec()));
    }
}
