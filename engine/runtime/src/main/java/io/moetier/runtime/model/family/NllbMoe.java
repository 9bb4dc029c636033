package io.moetier.runtime.model.family;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.model.describe.EncoderDecoder;
import io.moetier.runtime.model.describe.EncoderDecoder.Stack;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.StackAttention;
import io.moetier.runtime.model.describe.UngatedMlp;
import io.moetier.runtime.model.spec.CapacitySpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.ResidualSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec.Reach;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import java.util.Map;
import java.util.Optional;

/// No Language Left Behind (NLLB Team 2022): two experts for a token, second choices behind all first ones.
final class NllbMoe {
    private static final float EPS = 1e-5f;
    private static final UngatedMlp MLP = new UngatedMlp("experts.expert_", "fc1", "fc2", true, FfnActivation.RELU);
    private static final Map<String, String> NAMES = Map.of(
            "hidden_size", "d_model",
            "num_hidden_layers", "encoder_layers");

    static final Family FAMILY = new Family(
            "nllb-moe",
            Map.ofEntries(
                    Map.entry("d_model", 1024),
                    Map.entry("encoder_layers", 12),
                    Map.entry("decoder_layers", 12),
                    Map.entry("encoder_ffn_dim", 4096),
                    Map.entry("decoder_ffn_dim", 4096),
                    Map.entry("encoder_attention_heads", 16),
                    Map.entry("decoder_attention_heads", 16),
                    Map.entry("encoder_sparse_step", 4),
                    Map.entry("decoder_sparse_step", 4),
                    Map.entry("num_experts", 128),
                    Map.entry("expert_capacity", 64),
                    Map.entry("moe_eval_capacity_token_fraction", 1.0),
                    Map.entry("moe_token_dropout", 0.2),
                    Map.entry("scale_embedding", true),
                    Map.entry("max_position_embeddings", 1024),
                    Map.entry("pad_token_id", 1),
                    Map.entry("decoder_start_token_id", 2),
                    Map.entry("tie_word_embeddings", true)),
            NllbMoe::model,
            Optional.empty());

    private NllbMoe() {}

    private static ModelSpec model(FamilyConfig own) {
        FamilyConfig config = own.renamed(NAMES);
        config.requireWord("activation_function", "relu");
        config.requireWord("second_expert_policy", "all");
        EncoderDecoder model = EncoderDecoder.of(config, "model.shared").sinusoids();
        return (config.flag("scale_embedding") ? model.scaledEmbedding() : model)
                .stacks(
                        new Stack(
                                config.numLayers(),
                                "model.encoder.layers.",
                                NllbMoe::encoderLayer,
                                norm(config, "model.encoder.layer_norm")),
                        new Stack(
                                config.numLayers("decoder_layers"),
                                "model.decoder.layers.",
                                NllbMoe::decoderLayer,
                                norm(config, "model.decoder.layer_norm")));
    }

    private static LayerSpec encoderLayer(Layer layer) {
        return LayerSpec.of(
                attention(layer, "self_attn", "encoder_attention_heads", Reach.INPUT),
                feedForward(layer, "encoder_ffn_dim", "encoder_sparse_step"));
    }

    private static LayerSpec decoderLayer(Layer layer) {
        return LayerSpec.of(
                attention(layer, "self_attn", "decoder_attention_heads", Reach.OUTPUT),
                attention(layer, "cross_attention", "decoder_attention_heads", Reach.ACROSS),
                feedForward(layer, "decoder_ffn_dim", "decoder_sparse_step"));
    }

    private static SublayerSpec attention(Layer layer, String name, String heads, Reach reach) {
        FamilyConfig config = layer.config();
        StackAttention attention = StackAttention.ofHeads(
                new StackAttention.Names("q_proj", "k_proj", "v_proj", "out_proj"),
                true,
                config.numHeads(heads),
                config.hiddenSize());
        return SublayerSpec.preNorm(
                norm(config, layer.name(name + "_layer_norm")), attention.spec(layer, name, reach, Optional.empty()));
    }

    private static SublayerSpec feedForward(Layer layer, String width, String sparseStep) {
        FamilyConfig config = layer.config();
        NormSpec norm = norm(config, layer.name("ff_layer_norm"));
        if (!layer.isEvery(config.json().requireInt(sparseStep))) {
            return SublayerSpec.preNorm(norm, MLP.spec(layer.name("ffn"), config.hiddenSize(), config.positive(width)));
        }
        return SublayerSpec.preNorm(norm, mixture(layer, config.positive(width)))
                .with(ResidualSpec.keeping(config.number("moe_token_dropout")));
    }

    private static MoeSpec mixture(Layer layer, int width) {
        FamilyConfig config = layer.config();
        boolean normalisedFirst = config.flag("normalize_router_prob_before_dropping");
        return Mixture.of(layer, "ffn", config.numExperts("num_experts"), 2)
                .router("router.classifier")
                .routerBias(config.flag("router_bias"))
                .renormalise(normalisedFirst)
                .capacity(CapacitySpec.shareOrNumber(
                        config.json().requireDouble("moe_eval_capacity_token_fraction"),
                        config.positive("expert_capacity"),
                        config.flag("batch_prioritized_routing"),
                        !normalisedFirst))
                .experts(MLP, width)
                .spec();
    }

    private static NormSpec norm(FamilyConfig config, String prefix) {
        return NormSpec.layer(prefix, config.hiddenSize(), EPS, true);
    }
}
