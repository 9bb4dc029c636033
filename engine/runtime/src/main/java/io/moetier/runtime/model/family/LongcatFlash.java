package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.MultiHeadLatentAttention;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.ResidualSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// LongCat-Flash (Meituan 2025, arXiv:2509.01322): two attentions and two dense MLPs a layer, and a mixture of experts
/// that starts after the first attention and joins at the layer's end; some of its experts are identities.
final class LongcatFlash {
    static final Family FAMILY = new Family(
            "longcat_flash",
            Map.of(
                    "rms_norm_eps",
                    1e-5,
                    "rope_theta",
                    1e7,
                    "num_hidden_layers",
                    56,
                    "num_layers",
                    28,
                    "moe_topk",
                    12,
                    "zero_expert_num",
                    256,
                    "routed_scaling_factor",
                    6.0),
            LongcatFlash::model,
            Optional.empty());

    private LongcatFlash() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).numLayers("num_layers").layers(LongcatFlash::layer);
    }

    private static LayerSpec layer(Layer layer) {
        return LayerSpec.of(
                attention(layer, 0),
                feedForwardNorm(layer, 0, mixture(layer)).with(ResidualSpec.AT_LAYER_END),
                dense(layer, 0),
                attention(layer, 1),
                dense(layer, 1));
    }

    private static SublayerSpec attention(Layer layer, int number) {
        return SublayerSpec.preNorm(
                layer.config().rms(layer.name("input_layernorm." + number)),
                MultiHeadLatentAttention.of(layer, "self_attn." + number)
                        .scaledByRank()
                        .spec());
    }

    private static SublayerSpec dense(Layer layer, int number) {
        FamilyConfig config = layer.config();
        return feedForwardNorm(
                layer,
                number,
                SwiGlu.PROJ.spec(
                        layer.name("mlps." + number), config.hiddenSize(), config.siluWidth("ffn_hidden_size")));
    }

    private static SublayerSpec feedForwardNorm(Layer layer, int number, FeedForwardSpec block) {
        return SublayerSpec.preNorm(layer.config().rms(layer.name("post_attention_layernorm." + number)), block);
    }

    private static MoeSpec mixture(Layer layer) {
        FamilyConfig config = layer.config();
        return Mixture.of(layer, "mlp", "n_routed_experts", "moe_topk")
                .identities()
                .router("router.classifier")
                .routerBias(config.flag("router_bias"))
                .correction("router.e_score_correction_bias")
                .times(config.number("routed_scaling_factor"))
                .experts(SwiGlu.PROJ, config.siluWidth("expert_ffn_hidden_size"))
                .spec();
    }
}
