package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.FusedSwiGlu;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.ResidualSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// Granite 3.0 MoE and its variant with a shared expert (IBM 2024): multipliers on embedding, residuals, scores and
/// logits.
final class GraniteMoe {
    private static final FusedSwiGlu LINEARS = FusedSwiGlu.halves("input_linear.weight", "output_linear.weight");
    static final Map<String, Object> DEFAULTS = Map.ofEntries(
            Map.entry("rms_norm_eps", 1e-6),
            Map.entry("rope_theta", 1e4),
            Map.entry("max_position_embeddings", 2048),
            Map.entry("embedding_multiplier", 1.0),
            Map.entry("residual_multiplier", 1.0),
            Map.entry("attention_multiplier", 1.0),
            Map.entry("logits_scaling", 1.0),
            Map.entry("num_local_experts", 8),
            Map.entry("num_experts_per_tok", 2),
            Map.entry("shared_intermediate_size", 0));

    static final Family FAMILY = new Family("granitemoe", DEFAULTS, GraniteMoe::model, Optional.of(gguf("granitemoe")));
    static final Family SHARED = new Family(
            "granitemoeshared",
            DEFAULTS,
            GraniteMoe::model,
            Optional.of(gguf("granitemoe").needs("shared_intermediate_size", "expert_shared_feed_forward_length")));

    private GraniteMoe() {}

    /// Returns what is particular about GGUF files, of an architecture of this kind.
    static GgufRule gguf(String architecture) {
        return GgufRule.of(architecture)
                .interleaved()
                .needs("intermediate_size", "feed_forward_length")
                .needs("embedding_multiplier", "embedding_scale")
                .needs("residual_multiplier", "residual_scale")
                .needs("attention_multiplier", "attention.scale")
                .needs("logits_scaling", "logit_scale");
    }

    private static ModelSpec model(FamilyConfig config) {
        return decoder(config).layers(layer -> layer(layer, attention(layer).spec()));
    }

    /// Describes what surrounds the layers.
    static Decoder decoder(FamilyConfig config) {
        return Decoder.of(config)
                .multipliers(config.number("embedding_multiplier"), config.reciprocal("logits_scaling"));
    }

    /// Describes a layer around its mixer.
    static LayerSpec layer(Layer layer, MixerSpec mixer) {
        FamilyConfig config = layer.config();
        ResidualSpec residual = ResidualSpec.scaled(config.number("residual_multiplier"));
        return LayerSpec.of(
                SublayerSpec.preNorm(config.rms(layer.name("input_layernorm")), mixer)
                        .with(residual),
                SublayerSpec.preNorm(
                                config.rms(layer.name("post_attention_layernorm")),
                                mixture(layer).spec())
                        .with(residual));
    }

    /// Describes the attention of a layer.
    static GroupedAttention attention(Layer layer) {
        FamilyConfig config = layer.config();
        boolean biased = config.flag("attention_bias");
        return GroupedAttention.of(layer, "self_attn")
                .bias(biased, biased)
                .scale(config.number("attention_multiplier"));
    }

    private static Mixture mixture(Layer layer) {
        FamilyConfig config = layer.config();
        Mixture mixture = Mixture.of(layer, "block_sparse_moe")
                .router("router.layer")
                .renormalise(true)
                .experts(LINEARS, config.siluWidth("intermediate_size"));
        boolean hasShared =
                !config.family().equals("granitemoe") && config.json().requireInt("shared_intermediate_size") != 0;
        return hasShared
                ? mixture.shared(LINEARS.spec(
                        layer.name("shared_mlp"), config.hiddenSize(), config.siluWidth("shared_intermediate_size")))
                : mixture;
    }
}
