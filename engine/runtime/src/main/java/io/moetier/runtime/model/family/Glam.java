package io.moetier.runtime.model.family;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.StackAttention;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.describe.UngatedMlp;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec.Reach;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// GLaM (Du et al. 2021, arXiv:2112.06905): two of 64 experts in every other layer, gated MLPs in the layers between, a
/// bias by distance in each layer instead of positions.
///
/// Its weights were never published. Keys and names are those that a checkpoint of transformers would have; what the
/// paper leaves open (norms, the kind of bias, the experts' activation) is as in T5 and GShard, which it builds on.
final class Glam {
    private static final UngatedMlp EXPERT =
            new UngatedMlp("experts.expert_", "up_proj", "down_proj", false, FfnActivation.RELU);

    static final Family FAMILY = new Family(
            "glam",
            Map.of(
                    "rms_norm_eps",
                    1e-6,
                    "num_experts",
                    64,
                    "num_experts_per_tok",
                    2,
                    "moe_layer_interval",
                    2,
                    "relative_attention_num_buckets",
                    32,
                    "relative_attention_max_distance",
                    128,
                    "tie_word_embeddings",
                    true),
            Glam::model,
            Optional.empty());

    private Glam() {}

    private static ModelSpec model(FamilyConfig config) {
        config.requireWord("hidden_act", "gelu_pytorch_tanh");
        config.requireWord("expert_hidden_act", "relu");
        return Decoder.of(config).layers(Glam::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.rms(layer.name("input_layernorm")), attention(layer)),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static SequenceAttentionSpec attention(Layer layer) {
        FamilyConfig config = layer.config();
        StackAttention attention = new StackAttention(
                new StackAttention.Names("q_proj", "k_proj", "v_proj", "o_proj"),
                false,
                config.numHeads(),
                config.headDim(),
                true);
        return attention.spec(
                layer,
                "self_attn",
                Reach.OUTPUT,
                attention.bias(
                        layer.name("self_attn.relative_attention_bias.weight"),
                        config.positive("relative_attention_num_buckets"),
                        config.positive("relative_attention_max_distance"),
                        false));
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        int width = config.positive("intermediate_size");
        return layer.isEvery(config.positive("moe_layer_interval"))
                ? Mixture.of(layer, "mlp")
                        .renormalise(true)
                        .experts(EXPERT, width)
                        .spec()
                : SwiGlu.PROJ
                        .spec(layer.name("mlp"), config.hiddenSize(), width)
                        .with(FfnActivation.GEGLU);
    }
}
