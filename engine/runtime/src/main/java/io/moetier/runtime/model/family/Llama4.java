package io.moetier.runtime.model.family;

import io.moetier.kernels.device.Routing.Score;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.FusedSwiGlu;
import io.moetier.runtime.model.describe.FusedSwiGlu.Order;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.LlamaVision;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.runtime.model.spec.TemperatureSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Llama 4 (Meta 2025): layers with rotary positions that see their own chunk, and layers without
/// positions that see everything; experts whose input is weighted.
final class Llama4 {
    private static final Map<String, Object> DEFAULTS = Map.ofEntries(
            Map.entry("rms_norm_eps", 1e-5),
            Map.entry("rope_theta", 500000.0),
            Map.entry("num_key_value_heads", 8),
            Map.entry("max_position_embeddings", 131072),
            Map.entry("num_local_experts", 16),
            Map.entry("num_experts_per_tok", 1),
            Map.entry("intermediate_size", 8192),
            Map.entry("intermediate_size_mlp", 16384),
            Map.entry("interleave_moe_layer_step", 1),
            Map.entry("no_rope_layer_interval", 4),
            Map.entry("use_qk_norm", true),
            Map.entry("attention_chunk_size", 8192),
            Map.entry("attn_temperature_tuning", true),
            Map.entry("attn_scale", 0.1),
            Map.entry("floor_scale", 8192.0));

    /// Chunks and temperatures are constants of llama.cpp, the same as the defaults.
    private static final GgufRule GGUF = GgufRule.of("llama4")
            .sigmoid()
            .needs("intermediate_size", "expert_feed_forward_length")
            .needs("intermediate_size_mlp", "feed_forward_length")
            .needs("interleave_moe_layer_step", "interleave_moe_layer_step")
            .takes("attention_chunk_size", "attention.sliding_window")
            .says("experts_without_qk_norm", 128);

    static final Family TEXT = new Family("llama4_text", DEFAULTS, Llama4::text, Optional.of(GGUF));

    /// Checkpoints with a tower for tiles of images.
    static final Family MULTIMODAL = new Family("llama4", Map.of(), Llama4::multimodal, Optional.empty());

    private Llama4() {}

    private static ModelSpec multimodal(FamilyConfig config) {
        ModelSpec text = model(config.nested("text_config").withDefaults(DEFAULTS), "language_model.");
        return LlamaVision.of(config, "vision_model.", "multi_modal_projector.", text.hiddenSize())
                .map(text::with)
                .orElse(text);
    }

    private static ModelSpec text(FamilyConfig config) {
        return model(config, "");
    }

    private static ModelSpec model(FamilyConfig config, String prefix) {
        return Decoder.of(config).prefixed(prefix).layers(Llama4::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.rms(layer.name("input_layernorm")), attention(layer)),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static AttentionSpec attention(Layer layer) {
        FamilyConfig config = layer.config();
        boolean biased = config.flag("attention_bias");
        GroupedAttention attention = GroupedAttention.of(layer, "self_attn").bias(biased, biased);
        if (!isRotated(layer)) {
            return attention
                    .rope(Optional.empty())
                    .temperature(temperature(config))
                    .spec();
        }
        attention
                .rope(Optional.of(config.rope(config.headDim(), true)))
                .chunk(config.positiveUnlessNull("attention_chunk_size").orElse(0));
        return config.flag("use_qk_norm")
                ? attention.normPerHeadWithoutWeight().normAfterRope().spec()
                : attention.spec();
    }

    private static boolean isRotated(Layer layer) {
        List<Integer> written =
                layer.config().json().optionalInts("no_rope_layers").orElse(List.of());
        return written.isEmpty()
                ? !layer.isLastOf(layer.config().positive("no_rope_layer_interval"))
                : layer.of(written, "no_rope_layers") != 0;
    }

    private static Optional<TemperatureSpec> temperature(FamilyConfig config) {
        return config.isOn("attn_temperature_tuning")
                ? Optional.of(new TemperatureSpec(config.number("attn_scale"), config.number("floor_scale"), 1))
                : Optional.empty();
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        boolean hasExperts = config.json()
                .optionalInts("moe_layers")
                .map(layers -> layers.contains(layer.index()))
                .orElseGet(() -> layer.isLastOf(config.positive("interleave_moe_layer_step")));
        if (!hasExperts) {
            return SwiGlu.PROJ.spec(
                    layer.name("feed_forward"), config.hiddenSize(), config.siluWidth("intermediate_size_mlp"));
        }
        int width = config.siluWidth("intermediate_size");
        return Mixture.of(layer, "feed_forward")
                .router("router")
                .score(Score.SIGMOID)
                .weighInputs()
                .experts(FusedSwiGlu.halves("experts.gate_up_proj", "experts.down_proj", Order.INPUTS_FIRST), width)
                .shared("shared_expert", SwiGlu.PROJ, width)
                .spec();
    }
}
