package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.InternVision;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.spec.ModelSpec;
import java.util.Map;
import java.util.Optional;

/// InternVL3.5 (Wang et al. 2025, arXiv:2508.18265) with experts: Qwen3-MoE with a tower for tiles of images.
final class InternVl {
    static final Family FAMILY =
            new Family("internvl", Map.of("downsample_ratio", 0.5), InternVl::model, Optional.empty());

    private InternVl() {}

    private static ModelSpec model(FamilyConfig config) {
        FamilyConfig text = config.textModel().withDefaults(Qwen3Moe.FAMILY.defaults());
        text.requireWord("model_type", Qwen3Moe.FAMILY.modelType());
        ModelSpec model =
                Decoder.of(text).prefixed("language_model.").layers(layer -> Qwen3Moe.layer(layer, SwiGlu.PROJ));
        return InternVision.of(config, "vision_tower.", "multi_modal_projector.", model.hiddenSize())
                .map(model::with)
                .orElse(model);
    }
}
