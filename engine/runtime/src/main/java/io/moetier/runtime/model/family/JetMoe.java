package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.FusedSwiGlu;
import io.moetier.runtime.model.describe.FusedSwiGlu.Order;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.MixtureOfHeads;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import java.util.Map;
import java.util.Optional;

/// JetMoE (Shen et al. 2024, arXiv:2404.07413): experts in the feed-forward blocks and in attention.
final class JetMoe {
    /// Of the norms in the layers; `rms_norm_eps` is the last one's.
    private static final float EPS = 1e-6f;

    static final Family FAMILY = new Family(
            "jetmoe",
            Map.ofEntries(
                    Map.entry("rms_norm_eps", 1e-6),
                    Map.entry("rope_theta", 1e4),
                    Map.entry("num_key_value_heads", 16),
                    Map.entry("kv_channels", 128),
                    Map.entry("max_position_embeddings", 4096),
                    Map.entry("num_local_experts", 8),
                    Map.entry("num_experts_per_tok", 2),
                    Map.entry("intermediate_size", 5632),
                    Map.entry("tie_word_embeddings", true)),
            JetMoe::model,
            Optional.empty());

    private JetMoe() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config.renamed(Map.of("head_dim", "kv_channels", "hidden_act", "activation_function")))
                .layers(JetMoe::layer);
    }

    private static LayerSpec layer(Layer layer) {
        return LayerSpec.of(
                SublayerSpec.preNorm(norm(layer, "input_layernorm"), MixtureOfHeads.spec(layer, "self_attention")),
                SublayerSpec.preNorm(
                        norm(layer, "post_attention_layernorm"),
                        Mixture.of(layer, "mlp")
                                .router("router.layer")
                                .renormalise(true)
                                .experts(
                                        FusedSwiGlu.halves(
                                                "input_linear.weight", "output_linear.weight", Order.OUTPUTS_FIRST),
                                        layer.config().siluWidth("intermediate_size"))
                                .bias("bias")
                                .spec()));
    }

    private static NormSpec norm(Layer layer, String name) {
        return NormSpec.rms(layer.name(name), layer.config().hiddenSize(), EPS);
    }
}
