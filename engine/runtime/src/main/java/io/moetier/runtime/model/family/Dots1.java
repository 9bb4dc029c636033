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

/// dots.llm1 (rednote-hilab 2025, arXiv:2506.05767): the routing of DeepSeek-V3, norms on the heads of queries and
/// keys.
final class Dots1 {
    static final Family FAMILY = new Family(
            "dots1",
            Map.of(
                    "rms_norm_eps",
                    1e-6,
                    "rope_theta",
                    1e4,
                    "num_key_value_heads",
                    32,
                    "first_k_dense_replace",
                    0,
                    "n_group",
                    1,
                    "topk_group",
                    1,
                    "routed_scaling_factor",
                    1.0,
                    "max_window_layers",
                    62,
                    "sliding_window",
                    4096),
            Dots1::model,
            Optional.of(GgufRule.of("dots1").sigmoid().routedAsDeepseek()));

    private Dots1() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(Dots1::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        GroupedAttention.of(layer, "self_attn")
                                .bias(config.flag("attention_bias"), config.flag("attention_bias"))
                                .normPerHead("q_norm", "k_norm")
                                .window(layer.windowFromLayerOn())
                                .spec()),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        return layer.isBefore("first_k_dense_replace")
                ? SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"))
                : Mixture.of(layer, "mlp", "n_routed_experts", "num_experts_per_tok")
                        .withoutAuxiliaryLoss()
                        .experts(SwiGlu.PROJ, config.siluWidth("moe_intermediate_size"))
                        .sharedOfWidth("shared_experts", SwiGlu.PROJ, "n_shared_experts", "moe_intermediate_size")
                        .spec();
    }
}
