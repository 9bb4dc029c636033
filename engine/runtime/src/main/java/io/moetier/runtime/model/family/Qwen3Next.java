package io.moetier.runtime.model.family;

import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.ExpertStorage;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GatedDeltaNet;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.GatedDeltaSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

/// Qwen3-Next (Qwen Team 2025): gated DeltaNet in three layers of four, gated attention in the others, norms around
/// zero.
final class Qwen3Next {
    static final Family FAMILY = new Family(
            "qwen3_next",
            Map.ofEntries(
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
                    Map.entry("num_experts", 512),
                    Map.entry("num_experts_per_tok", 10),
                    Map.entry("moe_intermediate_size", 512),
                    Map.entry("shared_expert_intermediate_size", 512),
                    Map.entry("norm_topk_prob", true)),
            Qwen3Next::model,
            Optional.of(rule("qwen3next")));

    private Qwen3Next() {}

    /// Returns what GGUF files of this architecture do not say themselves.
    static GgufRule rule(String architecture) {
        return GgufRule.of(architecture)
                .takes("moe_intermediate_size", "expert_feed_forward_length")
                .takes("shared_expert_intermediate_size", "expert_shared_feed_forward_length")
                .needs("rotary_dim", "rope.dimension_count")
                .needs("linear_conv_kernel_dim", "ssm.conv_kernel")
                .needs("linear_key_head_dim", "ssm.state_size")
                .needs("linear_num_key_heads", "ssm.group_count")
                .needs("linear_num_value_heads", "ssm.time_step_rank")
                .needs("ssm_inner_size", "ssm.inner_size")
                .takes("full_attention_interval", "full_attention_interval")
                .named("ffn_norm", "post_attention_norm");
    }

    private static ModelSpec model(FamilyConfig config) {
        return Decoder.of(config)
                .finalNorm(config.zeroCentredRms("model.norm", config.hiddenSize()))
                .layers(layer -> layer(layer, mixer(layer, GatedDeltaNet::byHeads), feedForward(layer)));
    }

    /// Returns a layer of these blocks.
    static LayerSpec layer(Layer layer, MixerSpec mixer, FeedForwardSpec feedForward) {
        FamilyConfig config = layer.config();
        int hiddenSize = config.hiddenSize();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.zeroCentredRms(layer.name("input_layernorm"), hiddenSize), mixer),
                SublayerSpec.preNorm(
                        config.zeroCentredRms(layer.name("post_attention_layernorm"), hiddenSize), feedForward));
    }

    /// Returns the attention of a layer, or its DeltaNet, stored as `delta` says.
    static MixerSpec mixer(Layer layer, BiFunction<Layer, String, GatedDeltaSpec> delta) {
        boolean attends = layer.isOfType(
                "full_attention",
                "linear_attention",
                layer.isLastOf(layer.config().positive("full_attention_interval")));
        return attends ? attention(layer) : delta.apply(layer, "linear_attn");
    }

    /// Returns the attention of a layer that has it.
    static AttentionSpec attention(Layer layer) {
        FamilyConfig config = layer.config();
        return GroupedAttention.of(layer, "self_attn")
                .bias(config.flag("attention_bias"), config.flag("attention_bias"))
                .gateAfterQuery()
                .zeroCentredNormPerHead("q_norm", "k_norm")
                .rope(Optional.of(config.partialRope()))
                .spec();
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        return layer.isDenseByStep()
                ? SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"))
                : mixture(layer, config.flag("norm_topk_prob"), SwiGlu.PROJ);
    }

    /// Returns the mixture of a layer whose experts are stored so.
    static MoeSpec mixture(Layer layer, boolean renormalised, ExpertStorage storage) {
        FamilyConfig config = layer.config();
        return Mixture.of(layer, "mlp")
                .renormalise(renormalised)
                .experts(storage, config.siluWidth("moe_intermediate_size"))
                .shared(
                        "shared_expert",
                        SwiGlu.PROJ,
                        config.siluWidth("shared_expert_intermediate_size"),
                        Optional.of("shared_expert_gate"))
                .spec();
    }
}
