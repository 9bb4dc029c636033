package io.moetier.runtime.model.family;

import io.moetier.kernels.device.Routing.Groups;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.device.Routing.Score;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.Map;
import java.util.Optional;

/// Ling 2.0 and Ring 2.0 (inclusionAI 2025, arXiv:2510.22115): the routing of DeepSeek-V3, queries, keys and values in
/// one matrix, norms on the heads of queries and keys, half of each head rotated.
///
/// Ling 1 has the same `model_type`, and no `score_function`: a softmax chooses its experts.
final class BailingMoeV2 {
    private static final String SHARED_WIDTH = "moe_shared_expert_intermediate_size";
    private static final String SCORE = "score_function";

    static final Family FAMILY = new Family(
            "bailing_moe",
            Map.ofEntries(
                    Map.entry("rms_norm_eps", 1e-6),
                    Map.entry("rope_theta", 6e5),
                    Map.entry("max_position_embeddings", 32_768),
                    Map.entry("num_key_value_heads", 4),
                    Map.entry("head_dim", 128),
                    Map.entry("first_k_dense_replace", 1),
                    Map.entry("num_experts", 256),
                    Map.entry("num_experts_per_tok", 8),
                    Map.entry("num_shared_experts", 1),
                    Map.entry("n_group", 8),
                    Map.entry("topk_group", 4),
                    Map.entry("routed_scaling_factor", 1.0),
                    Map.entry("norm_topk_prob", true),
                    Map.entry("moe_router_enable_expert_bias", true),
                    Map.entry("use_qk_norm", true),
                    Map.entry("use_rmsnorm", true)),
            BailingMoeV2::model,
            Optional.of(GgufRule.of("bailingmoe2")
                    .sigmoid()
                    .needs("num_shared_experts", "expert_shared_count")
                    .needs("moe_intermediate_size", "expert_feed_forward_length")
                    .takes(SHARED_WIDTH, "expert_shared_feed_forward_length")
                    .needs("rotary_dim", "rope.dimension_count")
                    .takes("first_k_dense_replace", "leading_dense_block_count")
                    .grouped()
                    .says("first_k_dense_replace", 0)
                    .says("n_group", 1)
                    .says("topk_group", 1)
                    .says("norm_topk_prob", false)
                    .says(SCORE, "sigmoid")));

    private BailingMoeV2() {}

    private static ModelSpec model(FamilyConfig config) {
        requireKnown(config);
        return Decoder.of(config)
                .named("model.word_embeddings", "model.layers.")
                .layers(BailingMoeV2::layer);
    }

    /// The publisher's code computes as if these were so, whatever a file says, or has no such part.
    private static void requireKnown(FamilyConfig config) {
        if (!config.json().has(SCORE)) {
            throw config.json().unexpected(SCORE, "sigmoid, as Ling 2.0 has it; Ling 1 is not supported", null);
        }
        config.requireWord(SCORE, "sigmoid");
        config.requireOn("norm_topk_prob", "true, as weights are divided by their sum");
        config.requireOn("moe_router_enable_expert_bias", "true, as choices are corrected");
        config.requireOn("use_rmsnorm", "true, as no other norms are supported");
        config.requireNone("use_qkv_bias", "use_bias", "norm_head", "use_sliding_window");
        if (config.json().has("rotary_dim") && config.json().has("partial_rotary_factor")) {
            int rotated = (int) (config.headDim() * config.json().requireDouble("partial_rotary_factor"));
            int found = config.json().requireInt("rotary_dim");
            if (found != rotated) {
                throw config.json().unexpected("rotary_dim", rotated + ", as partial_rotary_factor says", found);
            }
        }
        requireSharedWidth(config);
    }

    /// The publisher's code has shared experts as wide as others; files say how wide one is, or all together.
    private static void requireSharedWidth(FamilyConfig config) {
        int width = config.positive("moe_intermediate_size");
        int count = config.json().optionalInt("num_shared_experts").orElse(0);
        int found = config.json().optionalInt(SHARED_WIDTH).orElse(width);
        if (count != 0 && found != width && found != (long) count * width) {
            throw config.json().unexpected(SHARED_WIDTH, width + ", as moe_intermediate_size says", found);
        }
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.rms(layer.name("input_layernorm")), attention(layer)),
                SublayerSpec.preNorm(config.rms(layer.name("post_attention_layernorm")), feedForward(layer)));
    }

    private static AttentionSpec attention(Layer layer) {
        FamilyConfig config = layer.config();
        GroupedAttention attention = GroupedAttention.of(layer, "attention")
                .fused("query_key_value", "dense")
                .rope(Optional.of(config.partialRope()));
        return (config.flag("use_qk_norm") ? attention.normPerHead("query_layernorm", "key_layernorm") : attention)
                .spec();
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        if (layer.isBefore("first_k_dense_replace")) {
            return SwiGlu.PROJ.spec(layer.name("mlp"), config.hiddenSize(), config.siluWidth("intermediate_size"));
        }
        Mixture mixture = Mixture.of(layer, "mlp")
                .score(Score.SIGMOID)
                .correction("gate.expert_bias")
                .groups("n_group", "topk_group", Groups.Rank.SUM_OF_TWO)
                .exclusiveGroups();
        if (config.positive("num_experts_per_tok") > 1) {
            mixture.normalise(Normalisation.sumAnd(1e-20));
        }
        return mixture.times(config.number("routed_scaling_factor"))
                .experts(SwiGlu.PROJ, config.siluWidth("moe_intermediate_size"))
                .sharedOfWidth("shared_experts", SwiGlu.PROJ, "num_shared_experts", "moe_intermediate_size")
                .spec();
    }
}
