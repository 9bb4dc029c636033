package io.moetier.runtime.model.family;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.device.Routing.Score;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.EntryAttention;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.HyperConnections;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.CompressedAttentionSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// DeepSeek-V4 (DeepSeek-AI 2026): several residual streams, attention to the last positions and to compressed
/// entries, and experts that the first layers choose by token.
final class DeepseekV4 {
    private static final int SPARSE_RATE = 4; // of compressed sparse attention
    private static final int HEAVY_RATE = 128; // where layers are told apart by types

    static final Family FAMILY = new Family(
            "deepseek_v4",
            Map.of(
                    "rms_norm_eps", 1e-6,
                    "rope_theta", 1e4,
                    "compress_rope_theta", 1.6e5,
                    "hc_mult", 4,
                    "hc_eps", 1e-6,
                    "hc_sinkhorn_iters", 20,
                    "norm_topk_prob", true,
                    "n_shared_experts", 1,
                    "swiglu_limit", 10.0),
            DeepseekV4::model,
            Optional.of(GgufRule.of("deepseek4")
                    .sqrtSoftplus()
                    .indexed()
                    .needs("qk_rope_head_dim", "rope.dimension_count")
                    .needs("q_lora_rank", "attention.q_lora_rank")
                    .needs("o_lora_rank", "attention.output_lora_rank")
                    .needs("o_groups", "attention.output_group_count")
                    .needs("compress_ratios", "attention.compress_ratios")
                    .needs("compress_rope_theta", "attention.compress_rope_freq_base")
                    .needs("hc_mult", "hyper_connection.count")
                    .needs("hc_sinkhorn_iters", "hyper_connection.sinkhorn_iterations")
                    .needs("hc_eps", "hyper_connection.epsilon")
                    .needs("num_hash_layers", "hash_layer_count")
                    .needs("n_routed_experts", "expert_count")
                    .needs("n_shared_experts", "expert_shared_count")
                    .needs("moe_intermediate_size", "expert_feed_forward_length")
                    .needs("routed_scaling_factor", "expert_weights_scale")
                    .needs("norm_topk_prob", "expert_weights_norm")
                    .needs("swiglu_limit", "swiglu_clamp_exp")));

    private DeepseekV4() {}

    private static ModelSpec model(FamilyConfig config) {
        config.requireWord("scoring_func", "sqrtsoftplus");
        return Decoder.of(rotated(config))
                .named("embed", "layers.")
                .finalNorm(config.rms("norm"))
                .head("head")
                .streams(HyperConnections.ofHead(config, "hc_head"))
                .layers(DeepseekV4::layer);
    }

    /// Returns the configuration with how much of a head is rotated, of which transformers writes the share.
    private static FamilyConfig rotated(FamilyConfig config) {
        return config.json()
                .optionalDouble("partial_rotary_factor")
                .map(share -> config.withDefaults(Map.of("qk_rope_head_dim", (int) (config.headDim() * share))))
                .orElse(config);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        return LayerSpec.of(
                SublayerSpec.preNorm(config.rms(layer.name("attn_norm")), attention(layer))
                        .with(HyperConnections.ofSublayer(config, layer.name("hc_attn"))),
                SublayerSpec.preNorm(config.rms(layer.name("ffn_norm")), mixture(layer))
                        .with(HyperConnections.ofSublayer(config, layer.name("hc_ffn"))));
    }

    private static CompressedAttentionSpec attention(Layer layer) {
        FamilyConfig config = layer.config();
        EntryAttention attention = EntryAttention.of(layer, "attn");
        Optional<List<Integer>> rates = config.json().optionalInts("compress_ratios");
        if (rates.isPresent()) {
            int rate = layer.ofFirst(rates.get(), "compress_ratios");
            if (rate < 0) {
                throw config.json().unexpected("compress_ratios", "0 or more positions", rate);
            }
            return switch (rate) {
                case 0 -> attention.spec();
                case SPARSE_RATE -> attention.compressedSparse(rate).spec();
                default -> attention.heavilyCompressed(rate).spec();
            };
        }
        List<String> types = config.json().optionalStrings("layer_types").orElse(List.of());
        String type = layer.ofFirst(types, "layer_types");
        return switch (type) {
            case "sliding_attention" -> attention.spec();
            case "compressed_sparse_attention" ->
                attention.compressedSparse(rate(config, type, SPARSE_RATE)).spec();
            case "heavily_compressed_attention" ->
                attention.heavilyCompressed(rate(config, type, HEAVY_RATE)).spec();
            default ->
                throw config.json()
                        .unexpected(
                                "layer_types",
                                "sliding_attention, compressed_sparse_attention or heavily_compressed_attention",
                                type);
        };
    }

    private static int rate(FamilyConfig config, String type, int usual) {
        return config.json().optionalObject("compress_rates").isEmpty()
                ? usual
                : config.nested("compress_rates").positive(type);
    }

    private static boolean isChosenByToken(Layer layer) {
        return layer.config()
                .ofLayers("mlp_layer_types")
                .map(types -> types.get(layer.index()).equals("hash_moe"))
                .orElseGet(() -> layer.isBefore("num_hash_layers"));
    }

    private static MoeSpec mixture(Layer layer) {
        FamilyConfig config = layer.config();
        FfnActivation activation = new FfnActivation.LimitedSwiGlu(config.number("swiglu_limit"));
        Mixture mixture = Mixture.of(layer, "ffn", "n_routed_experts", "num_experts_per_tok")
                .score(Score.SQRT_SOFTPLUS)
                .times(config.number("routed_scaling_factor"))
                .experts(SwiGlu.W.activated(activation), config.siluWidth("moe_intermediate_size"))
                .sharedOfWidth(
                        "shared_experts", SwiGlu.W.activated(activation), "n_shared_experts", "moe_intermediate_size");
        if (config.flag("norm_topk_prob")) {
            mixture.normalise(Normalisation.sumAnd(1e-20));
        }
        return isChosenByToken(layer)
                ? mixture.byToken("gate.tid2eid").spec()
                : mixture.correction("gate.bias").spec();
    }
}
