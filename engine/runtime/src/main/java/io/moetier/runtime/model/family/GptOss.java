package io.moetier.runtime.model.family;

import io.moetier.kernels.device.FfnActivation.ClampedSwiGlu;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.FusedSwiGlu;
import io.moetier.runtime.model.describe.FusedSwiGlu.Order;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// gpt-oss (OpenAI 2025, arXiv:2508.10925): attention sinks in layers that slide and layers that do not, in turn;
/// clamped and biased experts, published in MXFP4.
final class GptOss {
    /// A constant of the family, which no configuration has.
    private static final float ALPHA = 1.702f;

    static final Family FAMILY = new Family(
            "gpt_oss",
            Map.ofEntries(
                    Map.entry("rms_norm_eps", 1e-5),
                    Map.entry("rope_theta", 150000.0),
                    Map.entry("head_dim", 64),
                    Map.entry("num_key_value_heads", 8),
                    Map.entry("sliding_window", 128),
                    Map.entry("swiglu_limit", 7.0),
                    Map.entry("attention_bias", true),
                    Map.entry("num_local_experts", 128),
                    Map.entry("num_experts_per_tok", 4)),
            GptOss::model,
            Optional.of(GgufRule.of("gpt-oss")
                    .takes("intermediate_size", "expert_feed_forward_length")
                    .says("rope_scaling", Map.of("rope_type", "yarn", "truncate", false))
                    .named("ffn_norm", "post_attention_norm")));

    private GptOss() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).layers(GptOss::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        boolean biased = config.flag("attention_bias");
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        GroupedAttention.of(layer, "self_attn")
                                .bias(biased, biased)
                                .window(layer.windowAlternating())
                                .sinks("sinks")
                                .spec()),
                SublayerSpec.preNorm(
                        config.rms(layer.name("post_attention_layernorm")),
                        Mixture.of(layer, "mlp")
                                .router("router")
                                .routerBias(true)
                                .renormalise(true)
                                .experts(experts(config), config.siluWidth("intermediate_size"))
                                .spec()));
    }

    private static FusedSwiGlu experts(FamilyConfig config) {
        boolean isMxfp4 = config.json()
                .optionalObject("quantization_config")
                .flatMap(quantisation -> quantisation.optionalString("quant_method"))
                .filter("mxfp4"::equals)
                .isPresent();
        return new FusedSwiGlu(
                "experts.gate_up_proj",
                "experts.down_proj",
                isMxfp4 ? Order.MXFP4 : Order.INPUTS_FIRST,
                true,
                true,
                new ClampedSwiGlu(config.number("swiglu_limit"), ALPHA),
                Optional.empty());
    }
}
