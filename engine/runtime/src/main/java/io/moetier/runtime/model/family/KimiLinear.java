package io.moetier.runtime.model.family;

import io.moetier.kernels.device.Routing.Groups;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.device.Routing.Score;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GatedDeltaNet;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.MultiHeadLatentAttention;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Kimi Linear (Kimi Team 2025, arXiv:2510.26692): Kimi Delta Attention in three layers of four, the latent
/// attention of DeepSeek-V3 without positions in the others, and its routing.
final class KimiLinear {
    private static final String DELTA = "linear_attn_config";
    private static final String GROUPS = "num_expert_group";
    private static final String WIDTH = "moe_intermediate_size";

    /// What other families call the keys. Values have as many heads as keys, and as long ones.
    private static final Map<String, String> NAMES = Map.of(
            "max_position_embeddings", "model_max_length",
            "num_experts_per_tok", "num_experts_per_token",
            "linear_num_key_heads", DELTA + ".num_heads",
            "linear_num_value_heads", DELTA + ".num_heads",
            "linear_key_head_dim", DELTA + ".head_dim",
            "linear_value_head_dim", DELTA + ".head_dim",
            "linear_conv_kernel_dim", DELTA + ".short_conv_kernel_size");

    static final Family FAMILY = new Family(
            "kimi_linear",
            Map.of(
                    "rms_norm_eps",
                    1e-6,
                    "first_k_dense_replace",
                    0,
                    "moe_layer_freq",
                    1,
                    "moe_renormalize",
                    true,
                    "moe_router_activation_func",
                    "sigmoid",
                    "routed_scaling_factor",
                    1.0,
                    "use_grouped_topk",
                    true,
                    GROUPS,
                    1,
                    "topk_group",
                    1),
            KimiLinear::model,
            Optional.of(GgufRule.of("kimi-linear")
                    .sigmoid()
                    .latent()
                    .needs(WIDTH, "expert_feed_forward_length")
                    .needs("num_shared_experts", "expert_shared_count")
                    .takes("first_k_dense_replace", "leading_dense_block_count")
                    .takes(GROUPS, "expert_group_count")
                    .takes("topk_group", "expert_group_used_count")
                    .takes("routed_scaling_factor", "expert_weights_scale")
                    .takes("moe_renormalize", "expert_weights_norm")
                    .needs("linear_num_key_heads", "attention.head_count")
                    .needs("linear_num_value_heads", "attention.head_count")
                    .needs("linear_key_head_dim", "kda.head_dim")
                    .needs("linear_value_head_dim", "kda.head_dim")
                    .needs("linear_conv_kernel_dim", "ssm.conv_kernel")
                    .attentionOr("full_attention", "linear_attention")
                    .says("mla_use_nope", true)));

    private KimiLinear() {}

    private static ModelSpec model(FamilyConfig config) {
        requireKnown(config);
        return Decoder.of(config.renamed(NAMES)).layers(KimiLinear::layer);
    }

    /// What the publisher's code does not do, and what later models of this `model_type` have.
    private static void requireKnown(FamilyConfig config) {
        config.requireOn("mla_use_nope", "true, as latent attention with positions is not supported");
        config.requireNone("attention_bias", "mla_use_output_gate", "attn_res_block_size");
        if (config.json().has(DELTA)) {
            config.nested(DELTA).requireNone("gate_lower_bound", "use_full_rank_gate");
        }
        int groups = config.positive(GROUPS);
        if (groups > 1) {
            config.requireOn("use_grouped_topk", "true, as there are " + groups + " groups of experts");
        }
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.rms(layer.name("input_layernorm")), mixer(layer)),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static MixerSpec mixer(Layer layer) {
        return attends(layer)
                ? MultiHeadLatentAttention.of(layer, "self_attn").unrotated().spec()
                : GatedDeltaNet.byElement(layer, "self_attn");
    }

    /// By a word for each layer, as of GGUF files, or by two lists of their numbers, which begin with 1.
    private static boolean attends(Layer layer) {
        if (layer.config().json().has("layer_types")) {
            return layer.isOfType("full_attention", "linear_attention", false);
        }
        FamilyConfig lists = layer.config().nested(DELTA);
        int number = layer.index() + 1;
        List<Integer> recurrent = lists.json().optionalInts("kda_layers").orElse(List.of());
        boolean attends =
                lists.json().optionalInts("full_attn_layers").orElse(List.of()).contains(number);
        if (attends == recurrent.contains(number)) {
            throw lists.json()
                    .unexpected("kda_layers", "layer " + number + " either here or in full_attn_layers", recurrent);
        }
        return attends;
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        if (layer.isBefore("first_k_dense_replace") || layer.index() % config.positive("moe_layer_freq") != 0) {
            return SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"));
        }
        Mixture mixture = Mixture.of(layer, "block_sparse_moe")
                .score(score(config))
                .correction("gate.e_score_correction_bias")
                .groups(GROUPS, "topk_group", Groups.Rank.SUM_OF_TWO);
        if (config.flag("moe_renormalize") && config.positive("num_experts_per_tok") > 1) {
            mixture.normalise(Normalisation.sumAnd(1e-20));
        }
        return mixture.times(config.number("routed_scaling_factor"))
                .experts(SwiGlu.W, config.siluWidth(WIDTH))
                .sharedOfWidth("shared_experts", SwiGlu.PROJ, "num_shared_experts", WIDTH)
                .spec();
    }

    private static Score score(FamilyConfig config) {
        String key = "moe_router_activation_func";
        String word = config.json().requireString(key);
        return switch (word) {
            case "sigmoid" -> Score.SIGMOID;
            case "softmax" -> Score.SOFTMAX;
            default -> throw config.json().unexpected(key, "sigmoid or softmax", word);
        };
    }
}
