package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.StateSpace;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.RopeSpec;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Granite 4.0 (IBM 2025): Mamba-2 in most layers, attention without positions in some, else as [GraniteMoe].
final class GraniteMoeHybrid {
    static final Family FAMILY = new Family(
            "granitemoehybrid",
            defaults(),
            GraniteMoeHybrid::model,
            Optional.of(GraniteMoe.gguf("granitehybrid")
                    .needs("shared_intermediate_size", "expert_shared_feed_forward_length")
                    .needs("mamba_d_conv", "ssm.conv_kernel")
                    .needs("mamba_d_state", "ssm.state_size")
                    .needs("mamba_n_heads", "ssm.time_step_rank")
                    .needs("mamba_n_groups", "ssm.group_count")
                    .needs("ssm_inner_size", "ssm.inner_size")
                    .says("rotated", true)
                    .takes("rotated", "rope.scaling.finetuned")
                    .attentionOr("attention", "mamba")));

    private GraniteMoeHybrid() {}

    private static Map<String, Object> defaults() {
        Map<String, Object> defaults = new HashMap<>(GraniteMoe.DEFAULTS);
        defaults.put("shared_intermediate_size", 1024);
        defaults.put("mamba_n_heads", 128);
        defaults.put("mamba_n_groups", 1);
        defaults.put("mamba_d_state", 256);
        defaults.put("mamba_d_head", "auto");
        defaults.put("mamba_d_conv", 4);
        defaults.put("mamba_expand", 2);
        defaults.put("mamba_conv_bias", true);
        return defaults;
    }

    private static ModelSpec model(FamilyConfig config) {
        return GraniteMoe.decoder(config).layers(layer -> GraniteMoe.layer(layer, mixer(layer)));
    }

    private static MixerSpec mixer(Layer layer) {
        return layer.isOfType("linear_attention", "full_attention", true)
                ? StateSpace.mamba2(layer, "mamba")
                : GraniteMoe.attention(layer).rope(rope(layer.config())).spec();
    }

    private static Optional<RopeSpec> rope(FamilyConfig config) {
        return config.json()
                .optionalString("position_embedding_type")
                .filter(type -> type.equals("rope"))
                .map(type -> config.rope());
    }
}
