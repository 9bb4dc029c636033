package io.moetier.runtime.model.family;

import io.moetier.kernels.device.Routing.Normalisation;
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

/// ERNIE 4.5 (Baidu 2025): neighbouring elements rotated, a correction on probabilities.
final class Ernie45Moe {
    static final Family FAMILY = new Family(
            "ernie4_5_moe",
            Map.ofEntries(
                    Map.entry("rms_norm_eps", 1e-5),
                    Map.entry("rope_theta", 5e5),
                    Map.entry("num_key_value_heads", 4),
                    Map.entry("tie_word_embeddings", true),
                    Map.entry("moe_num_experts", 64),
                    Map.entry("moe_k", 6),
                    Map.entry("moe_num_shared_experts", 2),
                    Map.entry("moe_layer_start_index", 1),
                    Map.entry("moe_layer_end_index", -1),
                    Map.entry("moe_layer_interval", 1),
                    Map.entry("moe_norm_min", 1e-12)),
            Ernie45Moe::model,
            Optional.of(GgufRule.of("ernie4_5-moe")
                    .needs("moe_num_experts", "expert_count")
                    .needs("moe_k", "expert_used_count")
                    .needs("moe_intermediate_size", "expert_feed_forward_length")
                    .needs("moe_layer_interval", "interleave_moe_layer_step")
                    .needs("moe_layer_start_index", "leading_dense_block_count")
                    .takes("moe_num_shared_experts", "expert_shared_count")
                    .says("moe_num_shared_experts", 0)));

    private Ernie45Moe() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).headBias(config.flag("use_bias")).layers(Ernie45Moe::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        GroupedAttention.of(layer, "self_attn")
                                .bias(config.flag("use_bias"), config.flag("use_bias"))
                                .rope(Optional.of(config.rope(config.headDim(), true)))
                                .spec()),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        SwiGlu mlp = SwiGlu.PROJ.biased(config.flag("use_bias"));
        return layer.isMoeByInterval()
                ? Mixture.of(layer, "mlp", "moe_num_experts", "moe_k")
                        .correctionRow("moe_statics.e_score_correction_bias")
                        .normalise(Normalisation.sumOrAtLeast(config.json().requireDouble("moe_norm_min")))
                        .experts(mlp, config.siluWidth("moe_intermediate_size"))
                        .sharedOfWidth("shared_experts", mlp, "moe_num_shared_experts", "moe_intermediate_size")
                        .spec()
                : mlp.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"));
    }
}
