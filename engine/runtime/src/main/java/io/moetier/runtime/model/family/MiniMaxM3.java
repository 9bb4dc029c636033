package io.moetier.runtime.model.family;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.device.IndexShape;
import io.moetier.kernels.device.KeyBlocks;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.Routing.Score;
import io.moetier.runtime.model.describe.Decoder;
import io.moetier.runtime.model.describe.FamilyConfig;
import io.moetier.runtime.model.describe.GroupedAttention;
import io.moetier.runtime.model.describe.Layer;
import io.moetier.runtime.model.describe.Mixture;
import io.moetier.runtime.model.describe.SwiGlu;
import io.moetier.runtime.model.gguf.GgufRule;
import io.moetier.runtime.model.spec.FeedForwardSpec;
import io.moetier.runtime.model.spec.IndexKeysSpec;
import io.moetier.runtime.model.spec.IndexerSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SparsitySpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The language model of MiniMax-M3 (MiniMax 2026): attention to blocks of keys that an index chooses, norms around
/// 1 and clamped SwiGLU everywhere.
final class MiniMaxM3 {
    private static final Map<String, Object> DEFAULTS = Map.of(
            "rms_norm_eps",
            1e-6,
            "rope_theta",
            5e6,
            "num_key_value_heads",
            4,
            "head_dim",
            128,
            "swiglu_limit",
            7.0,
            "swiglu_alpha",
            1.702,
            "routed_scaling_factor",
            2.0);

    /// What transformers calls the keys of `sparse_attention_config`, which it writes beside all others.
    private static final Map<String, String> FLAT = Map.of(
            "sparse_num_index_heads", "index_n_heads",
            "sparse_index_dim", "index_head_dim",
            "sparse_block_size", "index_block_size",
            "sparse_topk_blocks", "index_topk_blocks",
            "sparse_local_block", "index_local_blocks");

    static final Family TEXT = new Family(
            "minimax_m3",
            DEFAULTS,
            config -> model(config, ""),
            Optional.of(GgufRule.of("minimax-m3")
                    .sigmoid()
                    .needs("intermediate_size", "expert_feed_forward_length")
                    .needs("rotary_dim", "rope.dimension_count")
                    .says("routed_scaling_factor", 1.0)
                    .takes("routed_scaling_factor", "expert_weights_scale")
                    .takes("sparse_block_size", "attention.indexer.block_size")
                    .says("hidden_act", "swigluoai")));

    /// Checkpoints with an image encoder, which is left out.
    static final Family MULTIMODAL = new Family(
            "minimax_m3_vl",
            Map.of(),
            config -> model(config.nested("text_config").withDefaults(DEFAULTS), "language_model."),
            Optional.empty());

    private MiniMaxM3() {}

    private static ModelSpec model(FamilyConfig config, String prefix) {
        config.json()
                .optionalString("hidden_act")
                .filter(act -> !act.equals("silu")) // what transformers writes, which computes the same as without
                .ifPresent(_ -> config.requireWord("hidden_act", "swigluoai"));
        return Decoder.of(config)
                .prefixed(prefix)
                .finalNorm(config.zeroCentredRms(prefix + "model.norm", config.hiddenSize()))
                .layers(MiniMaxM3::layer);
    }

    private static LayerSpec layer(Layer layer) {
        FamilyConfig config = layer.config();
        int hiddenSize = config.hiddenSize();
        return LayerSpec.of(
                SublayerSpec.preNorm(
                        config.zeroCentredRms(layer.name("input_layernorm"), hiddenSize),
                        GroupedAttention.of(layer, "self_attn")
                                .zeroCentredNormPerHead("q_norm", "k_norm")
                                .rope(Optional.of(config.partialRope()))
                                .sparsity(sparsity(layer))
                                .spec()),
                SublayerSpec.preNorm(
                        config.zeroCentredRms(layer.name("post_attention_layernorm"), hiddenSize), feedForward(layer)));
    }

    private static FeedForwardSpec feedForward(Layer layer) {
        FamilyConfig config = layer.config();
        FfnActivation activation =
                new FfnActivation.ClampedSwiGlu(config.number("swiglu_limit"), config.number("swiglu_alpha"));
        SwiGlu mlp = SwiGlu.PROJ.activated(activation);
        if (!hasExperts(layer)) {
            return mlp.spec(layer.name("mlp"), config.hiddenSize(), config.positive("dense_intermediate_size"));
        }
        return Mixture.of(layer, "block_sparse_moe")
                .score(Score.SIGMOID)
                .correction("e_score_correction_bias")
                .renormalise(true)
                .times(config.number("routed_scaling_factor"))
                .experts(SwiGlu.W.activated(activation), config.positive("intermediate_size"))
                .shared("shared_experts", mlp, config.positive("shared_intermediate_size"))
                .spec();
    }

    private static boolean hasExperts(Layer layer) {
        FamilyConfig config = layer.config();
        return config.json().has("mlp_layer_types") ? !layer.isDenseByType() : isOn(layer, config, "moe_layer_freq");
    }

    private static Optional<SparsitySpec> sparsity(Layer layer) {
        FamilyConfig config = layer.config();
        boolean apart = config.json().has("sparse_attention_config");
        FamilyConfig sparse = apart ? config.nested("sparse_attention_config") : config.renamed(FLAT);
        boolean listed = apart && sparse.flag("use_sparse_attention") && isOn(layer, sparse, "sparse_attention_freq");
        return layer.isOfType("minimax_m3_sparse", "full_attention", listed)
                ? Optional.of(SparsitySpec.by(indexer(layer, sparse)))
                : Optional.empty();
    }

    /// Says what the list `key` has for the layer: 1 or 0.
    private static boolean isOn(Layer layer, FamilyConfig config, String key) {
        List<Integer> ofLayers = config.json().optionalInts(key).orElse(List.of());
        return layer.of(ofLayers, key) != 0;
    }

    private static IndexerSpec indexer(Layer layer, FamilyConfig sparse) {
        FamilyConfig config = layer.config();
        sparse.requireWord("sparse_score_type", "max");
        requireNumber(sparse, "sparse_local_block", 1);
        requireNumber(sparse, "sparse_init_block", 0);
        int heads = config.numKeyValueHeads();
        requireNumber(sparse, "sparse_num_index_heads", heads);
        int dim = sparse.positive("sparse_index_dim");
        int length = sparse.positive("sparse_block_size");
        if (length < 2 || KvLayer.CHUNK_POSITIONS % length != 0) {
            String divisor = "a divisor of " + KvLayer.CHUNK_POSITIONS + " above 1";
            throw sparse.json().unexpected("sparse_block_size", divisor, length);
        }
        KeyBlocks blocks = new KeyBlocks(heads, sparse.positive("sparse_topk_blocks"), length);
        String name = layer.name("self_attn.index_");
        int width = sparse.times(heads, "sparse_index_dim", dim);
        return new IndexerSpec(
                LinearSpec.named(name + "q_proj", width, config.hiddenSize(), false),
                Optional.of(config.zeroCentredRms(name + "q_norm", dim)),
                new IndexKeysSpec.OfPositions(
                        LinearSpec.named(name + "k_proj", dim, config.hiddenSize(), false),
                        config.zeroCentredRms(name + "k_norm", dim)),
                Optional.empty(),
                config.partialRope(),
                new IndexShape(heads, dim, blocks));
    }

    private static void requireNumber(FamilyConfig sparse, String key, int only) {
        sparse.json().optionalInt(key).filter(found -> found != only).ifPresent(found -> {
            throw sparse.json().unexpected(key, String.valueOf(only), found);
        });
    }
}
