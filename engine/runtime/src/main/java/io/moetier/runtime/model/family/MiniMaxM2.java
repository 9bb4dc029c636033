package io.moetier.runtime.model.family;

import io.moetier.kernels.device.Routing.Score;
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

/// MiniMax-M2 (MiniMax 2025): sigmoid scores with a correction, no shared expert.
final class MiniMaxM2 {
    static final Family FAMILY = new Family(
            "minimax_m2",
            Map.of("rms_norm_eps", 1e-6, "rope_theta", 5e6, "num_key_value_heads", 8, "head_dim", 128),
            MiniMaxM2::model,
            Optional.of(GgufRule.of("minimax-m2")
                    .sigmoid()
                    .needs("intermediate_size", "expert_feed_forward_length")
                    .needs("rotary_dim", "rope.dimension_count")));

    private MiniMaxM2() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(MiniMaxM2::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        GroupedAttention.of(layer, "self_attn")
                                .normWhole("q_norm", "k_norm")
                                .rope(Optional.of(config.partialRope()))
                                .spec()),
                SublayerSpec.preNorm(
                        config.rms(layer.name("post_attention_layernorm")),
                        Mixture.of(layer, "block_sparse_moe")
                                .score(Score.SIGMOID)
                                .correction("e_score_correction_bias")
                                .renormalise(true)
                                .experts(SwiGlu.W, config.siluWidth("intermediate_size"))
                                .spec()));
    }
}
