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

/// Hunyuan-A13B (Tencent 2025): queries and keys normalised after their rotation, an ungated shared expert.
final class HunyuanV1Moe {
    static final Family FAMILY = new Family(
            "hunyuan_v1_moe",
            Map.of("rms_norm_eps", 1e-5, "rope_theta", 1e4, "num_experts", 1, "moe_topk", 1),
            HunyuanV1Moe::model,
            Optional.of(GgufRule.of("hunyuan-moe")
                    .needs("moe_topk", "expert_used_count")
                    .needs("intermediate_size", "expert_feed_forward_length")));

    private HunyuanV1Moe() {}

    private static ModelSpec model(FamilyConfig config) {
        config.requireNone("use_cla");
        return Decoder.of(config).layers(HunyuanV1Moe::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        GroupedAttention.of(layer, "self_attn")
                                .bias(config.flag("attention_bias"), config.flag("attention_bias"))
                                .normPerHead("query_layernorm", "key_layernorm")
                                .normAfterRope()
                                .spec()),
                SublayerSpec.preNorm(
                        config.rms(layer.name("post_attention_layernorm")),
                        Mixture.ofLayer(layer, "mlp", "num_experts", "moe_topk")
                                .router("gate.wg")
                                .renormalise(true)
                                .experts(SwiGlu.PROJ, config.siluWidth("intermediate_size"))
                                .shared("shared_mlp", SwiGlu.PROJ, config.siluWidth("intermediate_size"))
                                .spec()));
    }
}
