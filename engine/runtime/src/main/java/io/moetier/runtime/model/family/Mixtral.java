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

/// Mixtral of Experts (Jiang et al. 2024).
final class Mixtral {
    static final Family FAMILY = new Family(
            "mixtral",
            Map.of("rms_norm_eps", 1e-5, "rope_theta", 1e6, "num_key_value_heads", 8),
            Mixtral::model,
            Optional.of(GgufRule.of("llama").interleaved().needs("intermediate_size", "feed_forward_length")));

    private Mixtral() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(Mixtral::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        GroupedAttention.of(layer, "self_attn")
                                .window(config.slidingWindow())
                                .spec()),
                SublayerSpec.preNorm(
                        config.rms(layer.name("post_attention_layernorm")),
                        Mixture.of(layer, "block_sparse_moe")
                                .renormalise(true)
                                .experts(SwiGlu.W, config.siluWidth("intermediate_size"))
                                .spec()));
    }
}
