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
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec.Reach;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// Switch Transformers (Fedus et al. 2022): T5 with one expert for a token, and no more tokens than an expert has room
/// for.
final class SwitchTransformers {
    private static final UngatedMlp MLP = new UngatedMlp("experts.expert_", "wi", "wo", false, FfnActivation.RELU);
    private static final Map<String, String> NAMES = Map.of(
            "hidden_size", "d_model",
            "num_attention_heads", "num_heads",
            "num_hidden_layers", "num_layers",
            "rms_norm_eps", "layer_norm_epsilon",
            "max_position_embeddings", "n_positions");

    static final Family FAMILY = new Family(
            "switch_transformers",
            Map.ofEntries(
                    Map.entry("d_model", 768),
                    Map.entry("d_kv", 64),
                    Map.entry("d_ff", 2048),
                    Map.entry("num_heads", 12),
                    Map.entry("num_layers", 12),
                    Map.entry("num_decoder_layers", 12),
                    Map.entry("num_sparse_encoder_layers", 3),
                    Map.entry("num_sparse_decoder_layers", 3),
                    Map.entry("num_experts", 8),
                    Map.entry("expert_capacity", 64),
                    Map.entry("relative_attention_num_buckets", 32),
                    Map.entry("relative_attention_max_distance", 128),
                    Map.entry("layer_norm_epsilon", 1e-6),
                    Map.entry("n_positions", 512),
                    Map.entry("decoder_start_token_id", 0),
                    Map.entry("tie_word_embeddings", true)),
            SwitchTransformers::model,
            Optional.empty());

    private SwitchTransformers() {}

    private static ModelSpec model(FamilyConfig own) {
        FamilyConfig config = own.renamed(NAMES);
        config.requireWord("dense_act_fn", "relu");
        config.requireWord("feed_forward_proj", "relu");
        return EncoderDecoder.of(config, "shared")
                .scaledTiedHead()
                .stacks(
                        new Stack(
                                config.numLayers(),
                                "encoder.block.",
                                SwitchTransformers::encoderLayer,
                                config.rms("encoder.final_layer_norm")),
                        new Stack(
                                config.numLayers("num_decoder_layers"),
                                "decoder.block.",
                                SwitchTransformers::decoderLayer,
                                config.rms("decoder.final_layer_norm")));
    }

    private static LayerSpec encoderLayer(Layer layer) {
        boolean sparse = layer.isOneOf(
                layer.config().json().requireInt("num_sparse_encoder_layers"),
                layer.config().numLayers());
        return LayerSpec.of(
                attention(layer, "layer.0", "SelfAttention", Reach.INPUT), feedForward(layer, "layer.1", sparse));
    }

    private static LayerSpec decoderLayer(Layer layer) {
        boolean sparse = layer.isOneOf(
                layer.config().json().requireInt("num_sparse_decoder_layers"),
                layer.config().numLayers("num_decoder_layers"));
        return LayerSpec.of(
                attention(layer, "layer.0", "SelfAttention", Reach.OUTPUT),
                attention(layer, "layer.1", "EncDecAttention", Reach.ACROSS),
                feedForward(layer, "layer.2", sparse));
    }

    /// The table of a stack's first layer serves all of them; there is none across.
    private static SublayerSpec attention(Layer layer, String sublayer, String name, Reach reach) {
        FamilyConfig config = layer.config();
        StackAttention attention = new StackAttention(
                new StackAttention.Names("q", "k", "v", "o"), false, config.numHeads(), config.positive("d_kv"), false);
        String stack = reach == Reach.INPUT ? "encoder" : "decoder";
        return SublayerSpec.preNorm(
                config.rms(layer.name(sublayer + ".layer_norm")),
                attention.spec(
                        layer,
                        sublayer + "." + name,
                        reach,
                        reach == Reach.ACROSS
                                ? Optional.empty()
                                : attention.bias(
                                        stack + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight",
                                        config.positive("relative_attention_num_buckets"),
                                        config.positive("relative_attention_max_distance"),
                                        reach == Reach.INPUT)));
    }

    private static SublayerSpec feedForward(Layer layer, String sublayer, boolean sparse) {
        FamilyConfig config = layer.config();
        int width = config.positive("d_ff");
        FeedForwardSpec block = sparse
                ? Mixture.of(layer, sublayer + ".mlp", config.numExperts("num_experts"), 1)
                        .router("router.classifier")
                        .routerBias(config.flag("router_bias"))
                        .capacity(new CapacitySpec(config.positive("expert_capacity"), 0, false, false))
                        .experts(MLP, width)
                        .spec()
                : MLP.spec(layer.name(sublayer + ".mlp"), config.hiddenSize(), width);
        return SublayerSpec.preNorm(config.rms(layer.name(sublayer + ".layer_norm")), block);
    }
}
