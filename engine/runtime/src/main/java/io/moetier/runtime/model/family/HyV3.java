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
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// Hy3 and Hy-MT2 (Tencent 2026): DeepSeek-V3's routing without groups, norms on the heads of queries and keys.
///
/// Where `route_norm` is false, weights are not divided by their sum, as in the publisher's implementation in vLLM
/// and in llama.cpp; transformers divides them always.
final class HyV3 {
    private static final String WIDTH = "moe_intermediate_size";
    private static final String OTHER_WIDTH = "expert_hidden_dim";

    static final Family FAMILY = new Family(
            "hy_v3",
            Map.ofEntries(
                    Map.entry("rms_norm_eps", 1e-5),
                    Map.entry("rope_theta", 11_158_840.0),
                    Map.entry("head_dim", 128),
                    Map.entry("num_key_value_heads", 8),
                    Map.entry("qk_norm", true),
                    Map.entry("first_k_dense_replace", 1),
                    Map.entry("moe_router_use_sigmoid", true),
                    Map.entry("moe_router_enable_expert_bias", true),
                    Map.entry("route_norm", true),
                    Map.entry("router_scaling_factor", 2.826),
                    Map.entry("num_shared_experts", 1)),
            HyV3::model,
            Optional.of(GgufRule.of("hy_v3")
                    .sigmoid()
                    .needs(WIDTH, "expert_feed_forward_length")
                    .takes("shared_experts_width", "expert_shared_feed_forward_length")
                    .takes("route_norm", "expert_weights_norm")
                    .takes("router_scaling_factor", "expert_weights_scale")
                    .says("route_norm", false)
                    .says("router_scaling_factor", 1.0)
                    .denseOr("dense", "sparse")
                    .named("exp_probs_b.bias", "exp_probs_b")));

    private HyV3() {}

    private static ModelSpec model(FamilyConfig config) {
        config.requireOn("qk_norm", "true, as queries and keys without norms are not supported");
        config.requireOn("moe_router_use_sigmoid", "true, as no other router is supported");
        FamilyConfig named = config.alias(OTHER_WIDTH, WIDTH);
        int width = named.positive(WIDTH);
        config.json().optionalInt(OTHER_WIDTH).filter(other -> other != width).ifPresent(other -> {
            throw config.json().unexpected(OTHER_WIDTH, width + ", as " + WIDTH + " says", other);
        });
        return Decoder.of(named).layers(HyV3::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.rms(layer.name("input_layernorm")),
                        GroupedAttention.of(layer, "self_attn")
                                .bias(config.flag("attention_bias"), config.flag("attention_bias"))
                                .normPerHead("q_norm", "k_norm")
                                .spec()),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        SwiGlu dense = SwiGlu.PROJ.biased(config.flag("mlp_bias"));
        if (layer.isDenseByType()) {
            return dense.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"));
        }
        Mixture mixture = Mixture.of(layer, "mlp")
                .router("router.gate")
                .score(Score.SIGMOID)
                .times(config.number("router_scaling_factor"))
                .experts(SwiGlu.PROJ, config.siluWidth(WIDTH))
                .sharedOfWidth("shared_mlp", dense, "num_shared_experts", WIDTH);
        if (config.flag("moe_router_enable_expert_bias")) {
            mixture.correction("expert_bias");
        }
        if (config.flag("route_norm")) {
            mixture.normalise(Normalisation.sumAnd(1e-20));
        }
        return mixture.spec();
    }
}
