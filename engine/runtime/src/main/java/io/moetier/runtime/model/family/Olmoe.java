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

/// OLMoE (Muennighoff et al. 2024): queries and keys normalised over the whole projection, optionally clipped.
final class Olmoe {
    static final Family FAMILY = new Family(
            "olmoe",
            Map.of("rms_norm_eps", 1e-5, "rope_theta", 1e4),
            Olmoe::model,
            Optional.of(GgufRule.of("olmoe")
                    .needs("intermediate_size", "feed_forward_length")
                    .says("norm_topk_prob", false)
                    .takes("norm_topk_prob", "expert_weights_norm")));

    private Olmoe() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(Olmoe::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        GroupedAttention.of(layer, "self_attn")
                                .bias(config.flag("attention_bias"), config.flag("attention_bias"))
                                .normWhole("q_norm", "k_norm")
                                .clip(config.json().optionalDouble("clip_qkv").orElse(0.0))
                                .spec()),
                SublayerSpec.preNorm(
                        config.rms(layer.name("post_attention_layernorm")),
                        Mixture.of(layer, "mlp")
                                .renormalise(config.flag("norm_topk_prob"))
                                .experts(SwiGlu.PROJ, config.siluWidth("intermediate_size"))
                                .spec()));
    }
}
