package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.ExpertStorage;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.FusedSwiGlu;
import io.moetier.runtime.model.describe.GatedDeltaNet;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.QwenVision;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The language model of Qwen3.5 (Qwen Team 2026): as [Qwen3Next], with the DeltaNet's projections stored by kind and
/// experts in every layer.
///
/// Positions have three numbers, for time, height and width (mrope). In a text all three are the same, which is
/// plain rotation.
final class Qwen35Moe {
    private static final Map<String, Object> DEFAULTS = Map.ofEntries(
            Map.entry("rms_norm_eps", 1e-6),
            Map.entry("rope_theta", 1e4),
            Map.entry("partial_rotary_factor", 0.25),
            Map.entry("max_position_embeddings", 32768),
            Map.entry("num_key_value_heads", 2),
            Map.entry("head_dim", 256),
            Map.entry("full_attention_interval", 4),
            Map.entry("linear_conv_kernel_dim", 4),
            Map.entry("linear_key_head_dim", 128),
            Map.entry("linear_value_head_dim", 128),
            Map.entry("linear_num_key_heads", 16),
            Map.entry("linear_num_value_heads", 32),
            Map.entry("num_experts", 256),
            Map.entry("num_experts_per_tok", 8),
            Map.entry("moe_intermediate_size", 512),
            Map.entry("shared_expert_intermediate_size", 512));

    /// Of pairs of elements of a head, those that time, row and column turn where nothing is said of them.
    private static final Map<String, Object> SECTIONS = Map.of("mrope_section", List.of(11, 11, 10));

    private static final int PAIRS_OF_SECTIONS = 32;

    /// Checkpoints with a tower for images.
    static final Family MULTIMODAL = new Family("qwen3_5_moe", Map.of(), Qwen35Moe::multimodal, Optional.empty());

    static final Family TEXT = new Family(
            "qwen3_5_moe_text",
            DEFAULTS,
            config -> model(config, "model."),
            Optional.of(Qwen3Next.rule("qwen35moe").says(GatedDeltaNet.IN_TURNS, true)));

    private static final ExpertStorage EXPERTS =
            FusedSwiGlu.halves("experts.gate_up_proj", "experts.down_proj").orEach(SwiGlu.PROJ);

    private Qwen35Moe() {}

    private static ModelSpec multimodal(FamilyConfig config) {
        FamilyConfig of = config.textModel().withDefaults(DEFAULTS);
        boolean usual = of.partialRope().rotaryDim() == 2 * PAIRS_OF_SECTIONS;
        ModelSpec text = model(usual ? of.withDefaults(SECTIONS) : of, "model.language_model.");
        return QwenVision.of(config, "model.visual.", text.hiddenSize())
                .map(text::with)
                .orElse(text);
    }

    private static ModelSpec model(FamilyConfig config, String prefix) {
        return Decoder.of(config)
                .named(prefix + "embed_tokens", prefix + "layers.")
                .finalNorm(config.zeroCentredRms(prefix + "norm", config.hiddenSize()))
                .mtp("mtp.", layer -> Qwen3Next.layer(layer, Qwen3Next.attention(layer), mixture(layer)))
                .layers(Qwen35Moe::layer);
    }

    private static LayerSpec layer(Layer layer) {
        return Qwen3Next.layer(layer, Qwen3Next.mixer(layer, GatedDeltaNet::byKind), mixture(layer));
    }

    private static MoeSpec mixture(Layer layer) {
        return Qwen3Next.mixture(layer, true, EXPERTS);
    }
}
