package io.moetier.runtime.model.family;

import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.device.Routing.Score;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// AFMoE of Trinity (Arcee 2025): gated attention whose full layers have no positions, norms around every block.
final class Afmoe {
    static final Family FAMILY = new Family(
            "afmoe",
            Map.of(
                    "rms_norm_eps",
                    1e-5,
                    "rope_theta",
                    1e4,
                    "head_dim",
                    128,
                    "sliding_window",
                    1024,
                    "global_attn_every_n_layers",
                    4,
                    "num_dense_layers",
                    1,
                    "num_shared_experts",
                    2,
                    "route_norm",
                    true,
                    "route_scale",
                    1.0),
            Afmoe::model,
            Optional.of(GgufRule.of("afmoe")
                    .sigmoid()
                    .needs("moe_intermediate_size", "expert_feed_forward_length")
                    .needs("num_dense_layers", "leading_dense_block_count")
                    .needs("num_shared_experts", "expert_shared_count")
                    .takes("route_norm", "expert_weights_norm")
                    .takes("route_scale", "expert_weights_scale")
                    .says("mup_enabled", true)));

    private Afmoe() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config)
                .embeddingTimesRootOfSize(config.flag("mup_enabled"))
                .layers(Afmoe::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.sandwich(
                        config.rms(layer.name("input_layernorm")),
                        attention(layer),
                        config.rms(layer.name("post_attention_layernorm"))),
                SublayerSpec.sandwich(
                        config.rms(layer.name("pre_mlp_layernorm")),
                        feedForward(layer),
                        config.rms(layer.name("post_mlp_layernorm"))));
    }

    private static AttentionSpec attention(Layer layer) {
        FamilyConfig config = layer.config();
        GroupedAttention attention = GroupedAttention.of(layer, "self_attn")
                .bias(config.flag("attention_bias"), config.flag("attention_bias"))
                .normPerHead("q_norm", "k_norm")
                .gate("gate_proj");
        return layer.slidesUnlessEvery("global_attn_every_n_layers")
                ? attention.window(config.slidingWindow()).spec()
                : attention.rope(Optional.empty()).spec();
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        if (layer.isBefore("num_dense_layers")) {
            return SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"));
        }
        Mixture mixture = Mixture.of(layer, "mlp")
                .router("router.gate")
                .score(Score.SIGMOID)
                .correction("expert_bias")
                .times(config.number("route_scale"))
                .experts(SwiGlu.PROJ, config.siluWidth("moe_intermediate_size"))
                .sharedOfWidth("shared_experts", SwiGlu.PROJ, "num_shared_experts", "moe_intermediate_size");
        return (config.flag("route_norm") ? mixture.normalise(Normalisation.sumAnd(1e-20)) : mixture).spec();
    }
}
