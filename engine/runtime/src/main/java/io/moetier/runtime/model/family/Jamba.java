package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.StateSpace;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// Jamba (Lieber et al. 2024): Mamba in most layers, attention without positions in some, experts in every second.
final class Jamba {
    static final Family FAMILY = new Family(
            "jamba",
            Map.ofEntries(
                    Map.entry("rms_norm_eps", 1e-6),
                    Map.entry("max_position_embeddings", 262144),
                    Map.entry("num_key_value_heads", 8),
                    Map.entry("num_experts", 16),
                    Map.entry("num_experts_per_tok", 2),
                    Map.entry("expert_layer_period", 2),
                    Map.entry("expert_layer_offset", 1),
                    Map.entry("attn_layer_period", 8),
                    Map.entry("attn_layer_offset", 4),
                    Map.entry("mamba_d_state", 16),
                    Map.entry("mamba_d_conv", 4),
                    Map.entry("mamba_expand", 2),
                    Map.entry("mamba_dt_rank", "auto"),
                    Map.entry("mamba_conv_bias", true)),
            Jamba::model,
            Optional.of(GgufRule.of("jamba")
                    .unrotated()
                    .needs("intermediate_size", "feed_forward_length")
                    .needs("mamba_d_conv", "ssm.conv_kernel")
                    .needs("mamba_d_state", "ssm.state_size")
                    .needs("mamba_dt_rank", "ssm.time_step_rank")
                    .needs("ssm_inner_size", "ssm.inner_size")));

    private Jamba() {}

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config).finalNorm(config.rms("model.final_layernorm")).layers(Jamba::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.rms(layer.name("input_layernorm")), mixer(layer)),
                SublayerSpec.preNorm(config.rms(layer.name("pre_ff_layernorm")), feedForward(layer)));
    }

    private static MixerSpec mixer(Layer layer) {
        return layer.isAtOffset("attn_layer_period", "attn_layer_offset")
                ? GroupedAttention.of(layer, "self_attn").rope(Optional.empty()).spec()
                : StateSpace.mamba(layer, "mamba");
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        int width = config.siluWidth("intermediate_size");
        return layer.isAtOffset("expert_layer_period", "expert_layer_offset")
                ? Mixture.of(layer, "feed_forward")
                        .router("router")
                        .experts(SwiGlu.PROJ, width)
                        .spec()
                : SwiGlu.PROJ.spec(layer.name("feed_forward"), config.hiddenSize(), width);
    }
}
