package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.FusedSwiGlu;
import io.moetier.runtime.model.describe.FusedSwiGlu.Order;
import io.moetier.runtime.model.describe.QwenVision;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.spec.ModelSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Qwen3-VL (Qwen Team 2025, arXiv:2511.21631): Qwen3-MoE with a tower for images, rows of which join the text in
/// several layers; tokens of images are rotated by their row and column.
final class Qwen3VlMoe {
    private static final Map<String, Object> DEFAULTS =
            Map.of("rms_norm_eps", 1e-6, "rope_theta", 5e6, "num_key_value_heads", 16, "norm_topk_prob", true);

    /// Of pairs of elements of a head, those that time, row and column turn where nothing is said of them.
    private static final Map<String, Object> SECTIONS = Map.of("mrope_section", List.of(24, 20, 20));

    private static final int HEAD_OF_SECTIONS = 128;

    /// Checkpoints with a tower for images.
    static final Family MULTIMODAL = new Family("qwen3_vl_moe", Map.of(), Qwen3VlMoe::model, Optional.empty());

    static final Family TEXT = new Family(
            "qwen3_vl_moe_text", DEFAULTS, config -> text(config, "model."), Optional.of(Qwen3Moe.rule("qwen3vlmoe")));

    private Qwen3VlMoe() {}

    private static ModelSpec model(FamilyConfig config) {
        FamilyConfig text = config.textModel().withDefaults(DEFAULTS);
        ModelSpec model =
                text(text.headDim() == HEAD_OF_SECTIONS ? text.withDefaults(SECTIONS) : text, "model.language_model.");
        return QwenVision.of(config, "model.visual.", model.hiddenSize())
                .map(model::with)
                .orElse(model);
    }

    private static ModelSpec text(FamilyConfig config, String prefix) {
        return Decoder.of(config)
                .named(prefix + "embed_tokens", prefix + "layers.")
                .finalNorm(config.rms(prefix + "norm"))
                .layers(layer -> Qwen3Moe.layer(
                        layer,
                        FusedSwiGlu.halves("experts.gate_up_proj", "experts.down_proj", Order.INPUTS_FIRST)
                                .orEach(SwiGlu.PROJ)));
    }
}
