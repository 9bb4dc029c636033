package io.moetier.runtime.model.family;

import io.moetier.kernels.device.Routing;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.RecurrentMixer;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// LFM2-MoE (Liquid AI 2025): gated short convolutions in most layers, and experts that sigmoids choose.
final class Lfm2Moe {
    static final Family FAMILY = new Family(
            "lfm2_moe",
            Map.ofEntries(
                    Map.entry("norm_eps", 1e-5),
                    Map.entry("rope_theta", 1e6),
                    Map.entry("max_position_embeddings", 128000),
                    Map.entry("num_key_value_heads", 8),
                    Map.entry("conv_L_cache", 3),
                    Map.entry("num_dense_layers", 2),
                    Map.entry("num_experts", 32),
                    Map.entry("num_experts_per_tok", 4),
                    Map.entry("use_expert_bias", true),
                    Map.entry("norm_topk_prob", true),
                    Map.entry("routed_scaling_factor", 1.0),
                    Map.entry("tie_embedding", true)),
            Lfm2Moe::model,
            Optional.of(GgufRule.of("lfm2moe")
                    .sigmoid()
                    .needs("moe_intermediate_size", "expert_feed_forward_length")
                    .needs("num_dense_layers", "leading_dense_block_count")
                    .needs("conv_L_cache", "shortconv.l_cache")
                    .attentionOr("full_attention", "conv")
                    .named("output_norm", "token_embd_norm")));

    private static final double SUM_EPS = 1e-6;

    private Lfm2Moe() {}

    private static ModelSpec model(FamilyConfig config) {
        FamilyConfig named = config.alias("norm_eps", "rms_norm_eps").alias("tie_embedding", "tie_word_embeddings");
        return Decoder.of(named).finalNorm(named.rms("model.embedding_norm")).layers(Lfm2Moe::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.rms(layer.name("operator_norm")), mixer(layer)),
                SublayerSpec.preNorm(config.rms(layer.name("ffn_norm")), feedForward(layer)));
    }

    private static MixerSpec mixer(Layer layer) {
        return layer.isOfType("full_attention", "conv", false)
                ? GroupedAttention.of(layer, "self_attn")
                        .named("q_proj", "k_proj", "v_proj", "out_proj")
                        .normPerHead("q_layernorm", "k_layernorm")
                        .spec()
                : RecurrentMixer.shortConvolution(layer, "conv");
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        return layer.isBefore("num_dense_layers")
                ? SwiGlu.W.spec(layer.name("feed_forward"), config.hiddenSize(), config.siluWidth("intermediate_size"))
                : mixture(layer).spec();
    }

    private static Mixture mixture(Layer layer) {
        FamilyConfig config = layer.config();
        Mixture mixture = Mixture.of(layer, "feed_forward")
                .score(Routing.Score.SIGMOID)
                .times(config.number("routed_scaling_factor"))
                .experts(SwiGlu.W, config.siluWidth("moe_intermediate_size"));
        if (config.flag("norm_topk_prob")) {
            mixture.normalise(Routing.Normalisation.sumAnd(SUM_EPS));
        }
        return config.flag("use_expert_bias") ? mixture.correction("expert_bias") : mixture;
    }
}
