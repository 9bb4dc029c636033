package io.moetier.runtime.convert;

import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.format.GgmlType;
import io.moetier.storage.format.GgufWriter;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/// A golden checkpoint as llama.cpp's converter writes it into a GGUF file. Names, keys and what becomes of each tensor
/// were written down here from its gguf-py and conversion scripts, not from what Moetier reads; weights are in single
/// precision, or in MXFP4 where the checkpoint is.
public final class LlamaCppFile {
    private static final Pattern LAYER =
            Pattern.compile("(?:(?:model\\.)?layers|transformer\\.blocks)\\.(\\d+)\\.(.*)");
    private static final Pattern EXPERT = Pattern.compile(
            "(?:mlp|block_sparse_moe|feed_forward|mixer|ffn)\\.experts\\.(\\d+)\\.(\\w+)\\.(weight|bias)");
    private static final Pattern FUSED = Pattern.compile("(.*)\\.input_linear\\.weight");
    private static final Pattern ENCODER =
            Pattern.compile("(?:model\\.)?(?:visual|vision_tower|vision_model|embed_vision|multi_modal_projector"
                    + "|patch_merge_mlp)\\..*");
    private static final Map<String, String> IMAGE_TOKENS = Map.of(
            "gemma4", "<|image|>",
            "internvl", "<IMG_CONTEXT>",
            "llama4", "<|patch|>",
            "qwen3_vl_moe", "<|image_pad|>",
            "qwen3_5_moe", "<|image_pad|>");
    private static final Map<String, String> OUTSIDE = Map.ofEntries(
            Map.entry("backbone.embeddings.weight", "token_embd.weight"),
            Map.entry("backbone.norm_f.weight", "output_norm.weight"),
            Map.entry("model.embed_tokens.weight", "token_embd.weight"),
            Map.entry("model.norm.weight", "output_norm.weight"),
            Map.entry("model.norm.bias", "output_norm.bias"),
            Map.entry("model.word_embeddings.weight", "token_embd.weight"),
            Map.entry("embed.weight", "token_embd.weight"),
            Map.entry("norm.weight", "output_norm.weight"),
            Map.entry("head.weight", "output.weight"),
            Map.entry("hc_head_fn", "output_hc_fn.weight"),
            Map.entry("hc_head_base", "output_hc_base.weight"),
            Map.entry("hc_head_scale", "output_hc_scale.weight"),
            Map.entry("lm_head.bias", "output.bias"),
            Map.entry("lm_head.weight", "output.weight"),
            Map.entry("model.final_layernorm.weight", "output_norm.weight"),
            Map.entry("model.embedding_norm.weight", "token_embd_norm.weight"),
            Map.entry("transformer.wte.weight", "token_embd.weight"),
            Map.entry("transformer.norm_f.weight", "output_norm.weight"));
    private static final Map<String, String> STATE_VECTORS = Map.of(
            "mixer.A_log", "ssm_a",
            "mixer.D", "ssm_d",
            "mixer.dt_bias", "ssm_dt.bias",
            "mamba.A_log", "ssm_a",
            "mamba.D", "ssm_d",
            "mamba.dt_bias", "ssm_dt.bias",
            "linear_attn.A_log", "ssm_a",
            "linear_attn.dt_bias", "ssm_dt.bias",
            "self_attn.A_log", "ssm_a",
            "self_attn.dt_bias", "ssm_dt.bias");
    private static final Map<String, String> PROJECTIONS =
            Map.of("w1", "gate", "w3", "up", "w2", "down", "gate_proj", "gate", "up_proj", "up", "down_proj", "down");
    private static final Map<String, String> NAMES = Map.ofEntries(
            Map.entry("input_layernorm", "attn_norm"),
            Map.entry("norm", "attn_norm"),
            Map.entry("mixer.in_proj", "ssm_in"),
            Map.entry("mixer.conv1d", "ssm_conv1d"),
            Map.entry("mixer.norm", "ssm_norm"),
            Map.entry("mixer.out_proj", "ssm_out"),
            Map.entry("mixer.q_proj", "attn_q"),
            Map.entry("mixer.k_proj", "attn_k"),
            Map.entry("mixer.v_proj", "attn_v"),
            Map.entry("mixer.o_proj", "attn_output"),
            Map.entry("mixer.gate", "ffn_gate_inp"),
            Map.entry("mixer.shared_experts.up_proj", "ffn_up_shexp"),
            Map.entry("mixer.shared_experts.down_proj", "ffn_down_shexp"),
            Map.entry("mixer.fc1_latent_proj", "ffn_latent_down"),
            Map.entry("mixer.fc2_latent_proj", "ffn_latent_up"),
            Map.entry("self_attn.indexer.wq_b", "indexer.attn_q_b"),
            Map.entry("self_attn.indexer.wk", "indexer.attn_k"),
            Map.entry("self_attn.indexer.k_norm", "indexer.k_norm"),
            Map.entry("self_attn.indexer.weights_proj", "indexer.proj"),
            Map.entry("self_attn.index_q_proj", "indexer.q_proj"),
            Map.entry("self_attn.index_k_proj", "indexer.k_proj"),
            Map.entry("self_attn.index_q_norm", "indexer.q_norm"),
            Map.entry("self_attn.index_k_norm", "indexer.k_norm"),
            Map.entry("linear_attn.in_proj_qkv", "attn_qkv"),
            Map.entry("linear_attn.in_proj_z", "attn_gate"),
            Map.entry("linear_attn.in_proj_a", "ssm_alpha"),
            Map.entry("linear_attn.in_proj_b", "ssm_beta"),
            Map.entry("self_attn.f_a_proj", "ssm_f_a"),
            Map.entry("self_attn.f_b_proj", "ssm_f_b"),
            Map.entry("self_attn.g_a_proj", "ssm_g_a"),
            Map.entry("self_attn.g_b_proj", "ssm_g_b"),
            Map.entry("self_attn.b_proj", "ssm_beta"),
            Map.entry("self_attn.o_norm", "ssm_norm"),
            Map.entry("self_attn.q_conv1d", "ssm_conv1d_q"),
            Map.entry("self_attn.k_conv1d", "ssm_conv1d_k"),
            Map.entry("self_attn.v_conv1d", "ssm_conv1d_v"),
            Map.entry("block_sparse_moe.shared_experts.gate_proj", "ffn_gate_shexp"),
            Map.entry("block_sparse_moe.shared_experts.up_proj", "ffn_up_shexp"),
            Map.entry("block_sparse_moe.shared_experts.down_proj", "ffn_down_shexp"),
            Map.entry("norm_attn_norm.norm_1", "attn_norm"),
            Map.entry("norm_attn_norm.norm_2", "attn_output_norm"),
            Map.entry("norm_attn_norm.attn.Wqkv", "attn_qkv"),
            Map.entry("norm_attn_norm.attn.out_proj", "attn_output"),
            Map.entry("attention.query_key_value", "attn_qkv"),
            Map.entry("attention.query_layernorm", "attn_q_norm"),
            Map.entry("attention.key_layernorm", "attn_k_norm"),
            Map.entry("attention.dense", "attn_output"),
            Map.entry("self_attn.q_proj", "attn_q"),
            Map.entry("self_attn.k_proj", "attn_k"),
            Map.entry("self_attn.v_proj", "attn_v"),
            Map.entry("self_attn.o_proj", "attn_output"),
            Map.entry("self_attn.gate_proj", "attn_gate"),
            Map.entry("self_attn.q_norm", "attn_q_norm"),
            Map.entry("self_attn.k_norm", "attn_k_norm"),
            Map.entry("self_attn.query_layernorm", "attn_q_norm"),
            Map.entry("self_attn.key_layernorm", "attn_k_norm"),
            Map.entry("self_attn.q_a_proj", "attn_q_a"),
            Map.entry("self_attn.q_a_layernorm", "attn_q_a_norm"),
            Map.entry("self_attn.q_b_proj", "attn_q_b"),
            Map.entry("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"),
            Map.entry("self_attn.kv_a_layernorm", "attn_kv_a_norm"),
            Map.entry("operator_norm", "attn_norm"),
            Map.entry("pre_ff_layernorm", "ffn_norm"),
            Map.entry("ffn_norm", "ffn_norm"),
            Map.entry("self_attn.out_proj", "attn_output"),
            Map.entry("self_attn.q_layernorm", "attn_q_norm"),
            Map.entry("self_attn.k_layernorm", "attn_k_norm"),
            Map.entry("conv.in_proj", "shortconv.in_proj"),
            Map.entry("conv.conv", "shortconv.conv"),
            Map.entry("conv.out_proj", "shortconv.out_proj"),
            Map.entry("mamba.in_proj", "ssm_in"),
            Map.entry("mamba.conv1d", "ssm_conv1d"),
            Map.entry("mamba.x_proj", "ssm_x"),
            Map.entry("mamba.dt_proj", "ssm_dt"),
            Map.entry("mamba.dt_layernorm", "ssm_dt_norm"),
            Map.entry("mamba.b_layernorm", "ssm_b_norm"),
            Map.entry("mamba.c_layernorm", "ssm_c_norm"),
            Map.entry("mamba.norm", "ssm_norm"),
            Map.entry("mamba.out_proj", "ssm_out"),
            Map.entry("linear_attn.in_proj_ba", "ssm_ba"),
            Map.entry("linear_attn.conv1d", "ssm_conv1d"),
            Map.entry("linear_attn.norm", "ssm_norm"),
            Map.entry("linear_attn.out_proj", "ssm_out"),
            Map.entry("feed_forward.gate", "ffn_gate_inp"),
            Map.entry("feed_forward.router", "ffn_gate_inp"),
            Map.entry("feed_forward.w1", "ffn_gate"),
            Map.entry("feed_forward.w3", "ffn_up"),
            Map.entry("feed_forward.w2", "ffn_down"),
            Map.entry("feed_forward.gate_proj", "ffn_gate"),
            Map.entry("feed_forward.up_proj", "ffn_up"),
            Map.entry("feed_forward.down_proj", "ffn_down"),
            Map.entry("feed_forward.shared_expert.gate_proj", "ffn_gate_shexp"),
            Map.entry("feed_forward.shared_expert.up_proj", "ffn_up_shexp"),
            Map.entry("feed_forward.shared_expert.down_proj", "ffn_down_shexp"),
            Map.entry("pre_feedforward_layernorm_2", "pre_ffw_norm_2"),
            Map.entry("post_feedforward_layernorm_2", "post_ffw_norm_2"),
            Map.entry("pre_mlp_layernorm", "ffn_norm"),
            Map.entry("post_mlp_layernorm", "post_ffw_norm"),
            Map.entry("mlp.gate", "ffn_gate_inp"),
            Map.entry("mlp.gate.wg", "ffn_gate_inp"),
            Map.entry("mlp.router", "ffn_gate_inp"),
            Map.entry("mlp.router.gate", "ffn_gate_inp"),
            Map.entry("ffn.router.layer", "ffn_gate_inp"),
            Map.entry("block_sparse_moe.gate", "ffn_gate_inp"),
            Map.entry("block_sparse_moe.router.layer", "ffn_gate_inp"),
            Map.entry("block_sparse_moe.output_linear", "ffn_down_exps"),
            Map.entry("shared_mlp.output_linear", "ffn_down_shexp"),
            Map.entry("mlp.shared_experts.gate_proj", "ffn_gate_shexp"),
            Map.entry("mlp.shared_experts.up_proj", "ffn_up_shexp"),
            Map.entry("mlp.shared_experts.down_proj", "ffn_down_shexp"),
            Map.entry("mlp.shared_expert_gate", "ffn_gate_inp_shexp"),
            Map.entry("mlp.shared_expert.gate_proj", "ffn_gate_shexp"),
            Map.entry("mlp.shared_expert.up_proj", "ffn_up_shexp"),
            Map.entry("mlp.shared_expert.down_proj", "ffn_down_shexp"),
            Map.entry("mlp.shared_mlp.gate_proj", "ffn_gate_shexp"),
            Map.entry("mlp.shared_mlp.up_proj", "ffn_up_shexp"),
            Map.entry("mlp.shared_mlp.down_proj", "ffn_down_shexp"),
            Map.entry("self_attn.g_proj", "attn_gate"),
            Map.entry("moe.gate", "ffn_gate_inp"),
            Map.entry("moe.gate_proj", "ffn_gate_exps"),
            Map.entry("moe.up_proj", "ffn_up_exps"),
            Map.entry("moe.down_proj", "ffn_down_exps"),
            Map.entry("share_expert.gate_proj", "ffn_gate_shexp"),
            Map.entry("share_expert.up_proj", "ffn_up_shexp"),
            Map.entry("share_expert.down_proj", "ffn_down_shexp"),
            Map.entry("mlp.gate_proj", "ffn_gate"),
            Map.entry("mlp.up_proj", "ffn_up"),
            Map.entry("mlp.down_proj", "ffn_down"));

    /// What no other has, or calls by these names.
    private static final Map<String, String> GEMMA = Map.of(
            "layer_scalar", "layer_output_scale.weight",
            "router.proj.weight", "ffn_gate_inp.weight",
            "router.scale", "ffn_gate_inp.scale",
            "router.per_expert_scale", "ffn_down_exps.scale",
            "experts.gate_up_proj", "ffn_gate_up_exps.weight",
            "experts.down_proj", "ffn_down_exps.weight",
            "pre_feedforward_layernorm.weight", "ffn_norm.weight",
            "post_feedforward_layernorm.weight", "post_ffw_norm.weight",
            "post_feedforward_layernorm_1.weight", "post_ffw_norm_1.weight");

    /// What DeepSeek-V4 calls by these names.
    private static final Map<String, String> DEEPSEEK4 = Map.ofEntries(
            Map.entry("hc_attn_base", "hc_attn_base.weight"),
            Map.entry("hc_attn_fn", "hc_attn_fn.weight"),
            Map.entry("hc_attn_scale", "hc_attn_scale.weight"),
            Map.entry("hc_ffn_base", "hc_ffn_base.weight"),
            Map.entry("hc_ffn_fn", "hc_ffn_fn.weight"),
            Map.entry("hc_ffn_scale", "hc_ffn_scale.weight"),
            Map.entry("attn.attn_sink", "attn_sinks.weight"),
            Map.entry("attn.wq_a.weight", "attn_q_a.weight"),
            Map.entry("attn.wq_b.weight", "attn_q_b.weight"),
            Map.entry("attn.q_norm.weight", "attn_q_a_norm.weight"),
            Map.entry("attn.wkv.weight", "attn_kv.weight"),
            Map.entry("attn.kv_norm.weight", "attn_kv_a_norm.weight"),
            Map.entry("attn.wo_a.weight", "attn_output_a.weight"),
            Map.entry("attn.wo_b.weight", "attn_output_b.weight"),
            Map.entry("attn.compressor.ape", "attn_compressor_ape.weight"),
            Map.entry("attn.compressor.wkv.weight", "attn_compressor_kv.weight"),
            Map.entry("attn.compressor.wgate.weight", "attn_compressor_gate.weight"),
            Map.entry("attn.compressor.norm.weight", "attn_compressor_norm.weight"),
            Map.entry("attn.indexer.wq_b.weight", "indexer.attn_q_b.weight"),
            Map.entry("attn.indexer.weights_proj.weight", "indexer.proj.weight"),
            Map.entry("attn.indexer.compressor.ape", "indexer_compressor_ape.weight"),
            Map.entry("attn.indexer.compressor.wkv.weight", "indexer_compressor_kv.weight"),
            Map.entry("attn.indexer.compressor.wgate.weight", "indexer_compressor_gate.weight"),
            Map.entry("attn.indexer.compressor.norm.weight", "indexer_compressor_norm.weight"),
            Map.entry("attn_norm.weight", "attn_norm.weight"),
            Map.entry("ffn_norm.weight", "ffn_norm.weight"),
            Map.entry("ffn.shared_experts.w1.weight", "ffn_gate_shexp.weight"),
            Map.entry("ffn.shared_experts.w3.weight", "ffn_up_shexp.weight"),
            Map.entry("ffn.shared_experts.w2.weight", "ffn_down_shexp.weight"),
            Map.entry("ffn.gate.weight", "ffn_gate_inp.weight"),
            Map.entry("ffn.gate.bias", "exp_probs_b.bias"));

    /// Where `post_attention_layernorm` has the name of a norm behind attention.
    private static final List<String> POST_NORMED =
            List.of("glm4moe", "gpt-oss", "afmoe", "qwen3next", "qwen35moe", "gemma4");

    /// Whose norms are stored as their distance from 1.
    private static final List<String> AROUND_ZERO = List.of("qwen3next", "qwen35moe", "minimax-m3", "step35");

    private final JsonObject config;
    private final String architecture;
    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final Map<String, Map<Integer, Floats>> stacks = new LinkedHashMap<>();

    @SuppressWarnings("ArrayRecordComponent") // nobody compares tensors
    private record Tensor(GgmlType type, long[] shape, byte[] bytes) {}

    private LlamaCppFile(Path checkpoint) {
        try (Checkpoint opened = Checkpoint.open(checkpoint)) {
            architecture = architecture(opened.config().requireString("model_type"));
            config = opened.config().optionalObject("text_config").orElse(opened.config());
            describe();
            opened.tensors()
                    .forEach((name, tensor) -> convert(
                            name.replace("model.language_model.", "model.")
                                    .replace("language_model.", "")
                                    .replace("backbone.layers.", "model.layers."),
                            new Floats(
                                    tensor.shape().stream()
                                            .mapToLong(Long::longValue)
                                            .toArray(),
                                    opened.readFloats(tensor))));
            opened.names().stream()
                    .filter(name -> name.endsWith("_blocks"))
                    .forEach(name -> convertCodes(opened, name));
            opened.names().stream()
                    .filter(name -> name.endsWith(".tid2eid"))
                    .forEach(name -> convertExpertsByToken(opened, name));
            stacks.forEach((name, experts) -> put(name, Floats.stack(experts.values())));
        }
    }

    /// Returns the file of a checkpoint, to be written.
    public static LlamaCppFile of(Path checkpoint) {
        return new LlamaCppFile(checkpoint);
    }

    /// Returns the file of a checkpoint with a tower, whose vocabulary has the word that stands for rows of images.
    public static LlamaCppFile withImageToken(Path checkpoint) {
        JsonObject config = Json.readObject(checkpoint.resolve("config.json"));
        int token = config.optionalInt("image_token_id").orElseGet(() -> config.requireInt("image_token_index"));
        String word = Objects.requireNonNull(IMAGE_TOKENS.get(config.requireString("model_type")));
        return of(checkpoint).withTokens(Map.of(token, word));
    }

    /// Joins the matrices of keys and values, as files of before April 2025 do.
    public LlamaCppFile withKeysAndValuesTogether() {
        int heads = config.requireInt("num_attention_heads");
        for (String name : List.copyOf(tensors.keySet())) {
            if (name.endsWith("attn_k_b.weight")) {
                Floats keys =
                        Floats.of(Objects.requireNonNull(tensors.remove(name))).transposed();
                Floats values = Floats.of(Objects.requireNonNull(tensors.remove(name.replace("_k_b", "_v_b"))));
                put(name.replace("_k_b", "_kv_b"), keys.above(values, heads));
            }
        }
        return this;
    }

    /// Joins gate and up of experts, and queries, keys and values, as the converter does where it is asked to.
    public LlamaCppFile withMatricesTogether() {
        for (String name : List.copyOf(tensors.keySet())) {
            if (name.endsWith("ffn_gate_exps.weight")) {
                Tensor gate = Objects.requireNonNull(tensors.remove(name));
                Tensor up = Objects.requireNonNull(tensors.remove(name.replace("_gate_", "_up_")));
                int experts = (int) gate.shape()[0];
                Floats both = Floats.of(gate).above(Floats.of(up), experts);
                long[] shape = {experts, 2 * gate.shape()[1], gate.shape()[2]};
                put(name.replace("_gate_", "_gate_up_"), new Floats(shape, both.values()));
            } else if (name.contains("attn_q.")) {
                boolean bias = name.endsWith("bias");
                Floats joined = column(bias, Objects.requireNonNull(tensors.remove(name)));
                for (String part : List.of("_k.", "_v.")) {
                    Tensor below = Objects.requireNonNull(tensors.remove(name.replace("_q.", part)));
                    joined = joined.above(column(bias, below), 1);
                }
                put(name.replace("_q.", "_qkv."), bias ? joined.flat() : joined);
            }
        }
        return this;
    }

    /// Has experts as Ollama's converter left them until the autumn of 2025: rows of gate and up in turns, and codes of
    /// four bits in pairs, both as in the checkpoint.
    public LlamaCppFile withExpertsAsPublished() {
        for (String name : List.copyOf(tensors.keySet())) {
            if (name.contains("ffn_gate_exps.")) {
                Tensor gate = Objects.requireNonNull(tensors.remove(name));
                Tensor up = Objects.requireNonNull(tensors.remove(name.replace("_gate_", "_up_")));
                long[] shape = gate.shape().clone();
                int rows = Math.toIntExact(shape[0] * shape[1]);
                int rowBytes = gate.bytes().length / rows;
                ByteBuffer both = ByteBuffer.allocate(2 * gate.bytes().length);
                for (int row = 0; row < rows; row++) {
                    both.put(gate.bytes(), row * rowBytes, rowBytes).put(up.bytes(), row * rowBytes, rowBytes);
                }
                shape[1] *= 2;
                tensors.put(name.replace("_gate_", "_gate_up_"), new Tensor(gate.type(), shape, both.array()));
            }
        }
        tensors.replaceAll((name, tensor) -> tensor.type() == GgmlType.MXFP4 ? inPairs(tensor) : tensor);
        return this;
    }

    private static Tensor inPairs(Tensor tensor) {
        byte[] bytes = tensor.bytes().clone();
        for (int block = 1; block < bytes.length; block += 17) {
            for (int element = 0; element < 32; element += 2) {
                int shift = element < 16 ? 0 : 4;
                int low = tensor.bytes()[block + element % 16] >> shift & 15;
                int high = tensor.bytes()[block + element % 16 + 1] >> shift & 15;
                bytes[block + element / 2] = (byte) (low | high << 4);
            }
        }
        return new Tensor(GgmlType.MXFP4_IN_PAIRS, tensor.shape(), bytes);
    }

    /// Has what makes the results of experts in single precision, and attention in bfloat16, neither of which loses
    /// anything; gate and up of experts keep their codes of four bits.
    public LlamaCppFile withTypesMixed() {
        tensors.replaceAll((name, tensor) -> {
            if (tensor.type() == GgmlType.MXFP4 && name.contains("ffn_down_exps")) {
                int count = (int) LongStream.of(tensor.shape()).reduce(1, Math::multiplyExact);
                float[] values = new float[count];
                io.moetier.storage.format.Floats.decode(
                        DType.MXFP4, MemorySegment.ofArray(tensor.bytes()), count, values, 0);
                return new Tensor(GgmlType.F32, tensor.shape(), new Floats(tensor.shape(), values).bytes());
            }
            return name.contains(".attn_") && tensor.shape().length == 2 ? bfloat16(tensor) : tensor;
        });
        return this;
    }

    private static Tensor bfloat16(Tensor floats) {
        byte[] halves = new byte[floats.bytes().length / 2];
        for (int i = 0; i < halves.length; i += 2) {
            halves[i] = floats.bytes()[2 * i + 2];
            halves[i + 1] = floats.bytes()[2 * i + 3];
        }
        return new Tensor(GgmlType.BF16, floats.shape(), halves);
    }

    /// Says which layers have an indexer of their own, and gives the others its tensors, too.
    public LlamaCppFile withIndexers(List<Boolean> full) {
        value("attention.indexer.types", full);
        for (String name : List.copyOf(tensors.keySet())) {
            for (int layer = 0; layer < full.size(); layer++) {
                if (name.startsWith("blk.0.indexer.") && !full.get(layer)) {
                    tensors.put(
                            name.replace("blk.0.", "blk." + layer + "."), Objects.requireNonNull(tensors.get(name)));
                }
            }
        }
        return this;
    }

    private static Floats column(boolean bias, Tensor tensor) {
        return bias ? Floats.of(tensor).column() : Floats.of(tensor);
    }

    /// Joins queries, keys, values and gates of gated DeltaNets in one matrix, by heads as in the checkpoint, as files
    /// of 2025 do.
    public LlamaCppFile withDeltasTogether() {
        int keyHeads = config.requireInt("linear_num_key_heads");
        for (String name : List.copyOf(tensors.keySet())) {
            if (name.endsWith("attn_qkv.weight")) {
                Floats mixed = Floats.of(Objects.requireNonNull(tensors.remove(name)));
                Floats gate = Floats.of(Objects.requireNonNull(tensors.remove(name.replace("_qkv", "_gate"))));
                int keys = keyHeads * config.requireInt("linear_key_head_dim");
                int end = (int) mixed.shape()[0];
                put(
                        name.replace("attn_qkv", "ssm_in"),
                        mixed.range(0, keys)
                                .above(mixed.range(keys, 2 * keys), keyHeads)
                                .above(mixed.range(2 * keys, end), keyHeads)
                                .above(gate, keyHeads));
            }
        }
        return this;
    }

    /// Repeats each expert so many times, with its row of the router.
    public LlamaCppFile withExpertsRepeated(int times) {
        tensors.replaceAll((name, tensor) -> {
            if (!name.endsWith("_exps.weight") && !name.endsWith("ffn_gate_inp.weight")) {
                return tensor;
            }
            Floats all = Floats.stack(Collections.nCopies(times, Floats.of(tensor)));
            long[] shape = tensor.shape().clone();
            shape[0] *= times;
            return new Tensor(GgmlType.F32, shape, all.bytes());
        });
        value("expert_count", times * config.requireInt("num_local_experts"));
        return this;
    }

    /// Writes all matrices of whole blocks in Q8_0.
    public LlamaCppFile inBlocks() {
        tensors.replaceAll((name, tensor) -> {
            long[] shape = tensor.shape();
            return shape.length > 1 && shape[shape.length - 1] % 32 == 0
                    ? new Tensor(GgmlType.Q8_0, shape, blocks(Floats.of(tensor).values()))
                    : tensor;
        });
        return this;
    }

    /// Returns blocks of Q8_0: 32 numbers each, divided by a scale in half precision that comes first.
    public static byte[] blocks(float[] values) {
        ByteBuffer out = ByteBuffer.allocate(values.length / 32 * 34).order(ByteOrder.LITTLE_ENDIAN);
        for (int block = 0; block < values.length; block += 32) {
            float largest = 0;
            for (int i = block; i < block + 32; i++) {
                largest = Math.max(largest, Math.abs(values[i]));
            }
            out.putShort(Float.floatToFloat16(largest / 127));
            for (int i = block; i < block + 32; i++) {
                out.put((byte) (largest == 0 ? 0 : Math.round(values[i] / largest * 127)));
            }
        }
        return out.array();
    }

    /// Adds a layer that guesses more than the next token.
    public LlamaCppFile withGuessingLayer() {
        int layers = config.requireInt("num_hidden_layers");
        value("block_count", layers + 1);
        value("nextn_predict_layers", 1);
        put("blk." + layers + ".nextn.eh_proj.weight", new Floats(new long[] {2, 2}, new float[4]));
        return this;
    }

    /// Adds a vocabulary in which words stand at these numbers.
    public LlamaCppFile withTokens(Map<Integer, String> words) {
        metadata.put(
                "tokenizer.ggml.tokens",
                IntStream.range(0, config.requireInt("vocab_size"))
                        .mapToObj(id -> words.getOrDefault(id, "t" + id))
                        .toList());
        return this;
    }

    /// Sets a value of the metadata, whose key stands behind the architecture.
    public LlamaCppFile with(String key, Object value) {
        value(key, value);
        return this;
    }

    /// Writes shapes as ggml does, which knows no dimensions of 1 behind all others; here they come first.
    public LlamaCppFile asQuantised() {
        tensors.replaceAll((name, tensor) -> new Tensor(
                tensor.type(),
                LongStream.of(tensor.shape()).dropWhile(length -> length == 1).toArray(),
                tensor.bytes()));
        return this;
    }

    /// Gives a tensor another name.
    public LlamaCppFile renamed(String name, String other) {
        tensors.put(other, Objects.requireNonNull(tensors.remove(name)));
        return this;
    }

    /// Gives a part another name in all layers.
    public LlamaCppFile renamedInLayers(String part, String other) {
        List.copyOf(tensors.keySet()).stream()
                .filter(name -> name.contains("." + part + "."))
                .forEach(name -> renamed(name, name.replace("." + part + ".", "." + other + ".")));
        List.copyOf(tensors.keySet()).stream()
                .filter(name -> name.endsWith("." + part))
                .forEach(name -> renamed(name, name.substring(0, name.length() - part.length()) + other));
        return this;
    }

    /// Calls the architecture otherwise, in all keys too.
    public LlamaCppFile ofArchitecture(String other) {
        Map<String, Object> renamed = new LinkedHashMap<>();
        metadata.forEach((key, value) -> renamed.put(
                key.startsWith(architecture + ".") ? other + key.substring(architecture.length()) : key, value));
        renamed.put("general.architecture", other);
        metadata.clear();
        metadata.putAll(renamed);
        return this;
    }

    /// Leaves the first layer out.
    public LlamaCppFile withoutFirstLayer() {
        tensors.keySet().removeIf(name -> name.startsWith("blk.0."));
        int layers = config.requireInt("num_hidden_layers") - 1;
        for (int layer = 0; layer < layers; layer++) {
            String block = "blk." + layer + ".";
            String next = "blk." + (layer + 1) + ".";
            List.copyOf(tensors.keySet()).stream()
                    .filter(name -> name.startsWith(next))
                    .forEach(name -> renamed(name, block + name.substring(next.length())));
        }
        value("block_count", layers);
        return this;
    }

    /// Adds a tensor that is no part of the language model.
    public LlamaCppFile withOther(String name) {
        put(name, new Floats(new long[] {2, 2}, new float[4]));
        return this;
    }

    /// Leaves a value of the metadata out.
    public LlamaCppFile without(String key) {
        metadata.remove(key);
        return this;
    }

    public Path write(Path file) throws IOException {
        List<GgufWriter.Entry> entries = new ArrayList<>();
        tensors.forEach((name, tensor) -> entries.add(new GgufWriter.Entry(
                name, tensor.type(), LongStream.of(tensor.shape()).boxed().toList())));
        try (GgufWriter writer = GgufWriter.create(file, metadata, entries)) {
            for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
                writer.write(
                        tensor.getKey(), MemorySegment.ofArray(tensor.getValue().bytes()));
            }
        }
        return file;
    }

    private static String architecture(String modelType) {
        return switch (modelType) {
            case "bailing_moe" -> "bailingmoe2";
            case "deepseek_v2", "deepseek_v3", "glm4_moe_lite" -> "deepseek2";
            case "glm4_moe" -> "glm4moe";
            case "ernie4_5_moe" -> "ernie4_5-moe";
            case "hunyuan_v1_moe" -> "hunyuan-moe";
            case "granitemoeshared" -> "granitemoe";
            case "minimax_m2" -> "minimax-m2";
            case "mimo_v2_flash" -> "mimo2";
            case "step3p5" -> "step35";
            case "gpt_oss" -> "gpt-oss";
            case "gemma4_text" -> "gemma4";
            case "lfm2_moe" -> "lfm2moe";
            case "granitemoehybrid" -> "granitehybrid";
            case "qwen3_next" -> "qwen3next";
            case "llama4_text" -> "llama4";
            case "qwen3_moe", "internvl" -> "qwen3moe";
            case "qwen3_5_moe" -> "qwen35moe";
            case "qwen3_vl_moe" -> "qwen3vlmoe";
            case "nemotron_h" -> "nemotron_h_moe";
            case "exaone_moe" -> "exaone-moe";
            case "kimi_linear" -> "kimi-linear";
            case "deepseek_v32" -> "deepseek32";
            case "deepseek_v4" -> "deepseek4";
            case "glm_moe_dsa" -> "glm-dsa";
            case "minimax_m3_vl" -> "minimax-m3";
            default -> modelType;
        };
    }

    private void describe() {
        metadata.put("general.architecture", architecture);
        if (architecture.equals("dbrx")) {
            describeDbrx();
            return;
        }
        put("context_length", "max_position_embeddings");
        put("embedding_length", "hidden_size");
        put("block_count", "num_hidden_layers");
        put("feed_forward_length", "intermediate_size");
        put("attention.head_count", "num_attention_heads");
        put("attention.head_count_kv", "num_key_value_heads");
        put("attention.layer_norm_rms_epsilon", "rms_norm_eps");
        put("expert_count", "num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts");
        put("expert_used_count", "num_experts_per_tok", "moe_k");
        put("expert_group_count", "n_group");
        put("expert_group_used_count", "topk_group");
        put("attention.key_length", "head_dim");
        put("attention.value_length", "head_dim");
        put("expert_feed_forward_length", "moe_intermediate_size");
        put("expert_weights_norm", "norm_topk_prob");
        put("expert_weights_scale", "routed_scaling_factor");
        put("expert_shared_count", "n_shared_experts", "num_shared_experts", "moe_num_shared_experts");
        put("leading_dense_block_count", "first_k_dense_replace", "num_dense_layers", "moe_layer_start_index");
        JsonObject rope = config.has("rope_theta")
                ? config
                : config.optionalObject("rope_parameters").orElse(config);
        if (!(rope.value("rope_theta") instanceof List)) {
            rope.optionalDouble("rope_theta").ifPresent(theta -> value("rope.freq_base", (float) (double) theta));
        }
        config.optionalObject("rope_scaling").ifPresent(this::describeScaling);
        switch (architecture) {
            case "dots1" -> value("expert_gating_func", 2);
            case "glm4moe" -> {
                value("expert_gating_func", 2);
                value("rope.dimension_count", (int)
                        (config.requireInt("head_dim") * config.requireDouble("partial_rotary_factor")));
            }
            case "bailingmoe2" -> {
                value("expert_gating_func", 2);
                put("expert_shared_feed_forward_length", "moe_shared_expert_intermediate_size");
                value("rope.scaling.type", "none");
                value("rope.dimension_count", (int)
                        (config.requireInt("head_dim") * config.requireDouble("partial_rotary_factor")));
            }
            case "ernie4_5-moe" -> put("interleave_moe_layer_step", "moe_layer_interval");
            case "hunyuan-moe" -> describeHunyuan();
            case "granitemoe" -> describeGranite();
            case "minimax-m2" -> {
                value("expert_gating_func", 2);
                put("expert_feed_forward_length", "intermediate_size");
                put("rope.dimension_count", "rotary_dim");
            }
            case "gpt-oss" -> {
                put("attention.sliding_window", "sliding_window");
                put("expert_feed_forward_length", "intermediate_size");
            }
            case "afmoe" -> {
                value("expert_gating_func", 2);
                put("expert_weights_norm", "route_norm");
                put("expert_weights_scale", "route_scale");
                put("attention.sliding_window", "sliding_window");
            }
            case "exaone-moe" -> {
                value("expert_gating_func", 2);
                put("attention.sliding_window", "sliding_window");
                value("attention.sliding_window_pattern", slidingLayers());
                value("rope.scaling.type", "none");
            }
            case "deepseek2" -> describeLatents();
            case "mistral4" -> {
                describeLatents();
                value("expert_gating_func", 1);
                describeTemperature(config.requireObject("rope_parameters"));
            }
            case "hy_v3" -> describeHy();
            case "lfm2moe" -> {
                value("expert_gating_func", 2);
                put("attention.layer_norm_rms_epsilon", "norm_eps");
                put("shortconv.l_cache", "conv_L_cache");
                headsOfAttention("full_attention");
            }
            case "jamba" -> {
                describeStates("mamba_dt_rank");
                int period = config.requireInt("attn_layer_period");
                int offset = config.requireInt("attn_layer_offset");
                headsOfLayers(layer -> layer >= offset && (layer - offset) % period == 0);
            }
            case "granitehybrid" -> {
                describeGranite();
                describeStates("mamba_n_heads");
                put("ssm.group_count", "mamba_n_groups");
                value(
                        "rope.scaling.finetuned",
                        config.optionalString("position_embedding_type")
                                .filter("rope"::equals)
                                .isPresent());
                headsOfAttention("attention");
            }
            case "qwen3moe" -> {}
            case "qwen3next", "qwen35moe" -> describeDeltas();
            case "qwen3vlmoe" -> value("rope.dimension_sections", List.of(6, 5, 5, 0));
            case "nemotron_h_moe" -> describeNemotron();
            case "deepseek32", "glm-dsa" -> {
                describeLatents();
                put("attention.indexer.head_count", "index_n_heads");
                put("attention.indexer.key_length", "index_head_dim");
                put("attention.indexer.top_k", "index_topk");
            }
            case "deepseek4" -> describeEntries();
            case "minimax-m3" -> describeBlocksOfKeys();
            case "llama4" -> describeLlama4();
            case "phimoe" -> describePhi();
            case "gemma4" -> describeGemma();
            case "mimo2" -> describeMimo();
            case "step35" -> describeStep();
            case "kimi-linear" -> describeKimi();
            default -> throw new IllegalArgumentException(architecture);
        }
    }

    /// Lists say which layers slide and how many heads of keys each has.
    private void describeMimo() {
        List<Integer> slides = config.optionalInts("hybrid_layer_pattern").orElseThrow();
        int heads = config.requireInt("num_key_value_heads");
        int ofSliding = config.requireInt("swa_num_key_value_heads");
        value("expert_gating_func", 2);
        put("attention.layer_norm_rms_epsilon", "layernorm_epsilon");
        put("attention.value_length", "v_head_dim");
        put("attention.value_scale", "attention_value_scale");
        put("attention.sliding_window", "sliding_window");
        value("attention.sliding_window_pattern", slides);
        value(
                "attention.head_count_kv",
                slides.stream().map(slide -> slide == 1 ? ofSliding : heads).toList());
        value("rope.dimension_count", (int)
                (config.requireInt("head_dim") * config.requireDouble("partial_rotary_factor")));
        value("rope.freq_base_swa", (float) config.requireDouble("swa_rope_theta"));
    }

    /// As published files have it: values of heads have the size that the configuration says of others, and the
    /// size of the heads of layers without keys is a key of their own.
    private void describeKimi() {
        JsonObject delta = config.requireObject("linear_attn_config");
        List<Integer> full = delta.optionalInts("full_attn_layers").orElseThrow();
        describeLatents();
        value(
                "attention.head_count_kv",
                IntStream.rangeClosed(1, config.requireInt("num_hidden_layers"))
                        .mapToObj(layer -> full.contains(layer) ? 1 : 0)
                        .toList());
        put("attention.value_length", "head_dim");
        put("context_length", "model_max_length");
        put("expert_used_count", "num_experts_per_token");
        value("kda.head_dim", delta.requireInt("head_dim"));
        value("ssm.conv_kernel", delta.requireInt("short_conv_kernel_size"));
    }

    /// Layers that slide have heads, and rotations, of their own; those that do not rotate the first pairs alone.
    private void describeGemma() {
        List<Boolean> slides = slidingLayers();
        int full = config.requireInt("global_head_dim");
        JsonObject ofFull = config.requireObject("rope_parameters").requireObject("full_attention");
        JsonObject ofSliding = config.requireObject("rope_parameters").requireObject("sliding_attention");
        value("attention.sliding_window_pattern", slides);
        put("attention.sliding_window", "sliding_window");
        put("attention.shared_kv_layers", "num_kv_shared_layers");
        put("embedding_length_per_layer_input", "hidden_size_per_layer_input");
        put("final_logit_softcapping", "final_logit_softcapping");
        put("expert_used_count", "top_k_experts");
        value("attention.key_length", full);
        value("attention.value_length", full);
        put("attention.key_length_swa", "head_dim");
        put("attention.value_length_swa", "head_dim");
        value("rope.dimension_count", full);
        put("rope.dimension_count_swa", "head_dim");
        value("rope.freq_base", (float) ofFull.requireDouble("rope_theta"));
        value("rope.freq_base_swa", (float) ofSliding.requireDouble("rope_theta"));
        int heads = config.requireInt("num_key_value_heads");
        int fullHeads = config.requireInt("num_global_key_value_heads");
        value(
                "attention.head_count_kv",
                slides.stream().map(slide -> slide ? heads : fullHeads).toList());
        int rotated = (int) (full * ofFull.requireDouble("partial_rotary_factor") / 2);
        put(
                "rope_freqs.weight",
                Floats.of(IntStream.range(0, full / 2)
                        .mapToObj(pair -> pair < rotated ? 1.0 : 1e30)
                        .toList()));
    }

    private List<Boolean> slidingLayers() {
        return config.optionalStrings("layer_types").orElseThrow().stream()
                .map("sliding_attention"::equals)
                .toList();
    }

    /// Splits stacks of gate above up, as files have them that were not converted from one tensor.
    public LlamaCppFile withGatesApart() {
        for (String name : List.copyOf(tensors.keySet())) {
            if (name.endsWith("ffn_gate_up_exps.weight")) {
                Floats both = Floats.of(Objects.requireNonNull(tensors.remove(name)));
                put(name.replace("_gate_up", "_gate"), both.rows(0, 2, false));
                put(name.replace("_gate_up", "_up"), both.rows(1, 2, false));
            }
        }
        return this;
    }

    private void describeDeltas() {
        put("expert_shared_feed_forward_length", "shared_expert_intermediate_size");
        put("ssm.conv_kernel", "linear_conv_kernel_dim");
        put("ssm.state_size", "linear_key_head_dim");
        put("ssm.group_count", "linear_num_key_heads");
        put("ssm.time_step_rank", "linear_num_value_heads");
        value(
                "ssm.inner_size",
                config.requireInt("linear_value_head_dim") * config.requireInt("linear_num_value_heads"));
        put("full_attention_interval", "full_attention_interval");
        JsonObject rope = config.optionalObject("rope_parameters").orElse(config);
        value("rope.dimension_count", (int)
                (config.requireInt("head_dim") * rope.requireDouble("partial_rotary_factor")));
        rope.optionalInts("mrope_section").ifPresent(pairs -> {
            List<Integer> four = new ArrayList<>(pairs);
            four.add(0);
            value("rope.dimension_sections", four);
        });
    }

    /// Layers with heads of keys attend, and those with a width have experts.
    private void describeNemotron() {
        String kinds = config.requireString("hybrid_override_pattern");
        headsOfLayers(layer -> kinds.charAt(layer) == '*');
        // As published files have it: nothing is rotated, and the number is not the size of a head.
        value("rope.dimension_count", config.requireInt("head_dim") / 2);
        int width = config.requireInt("moe_intermediate_size");
        value(
                "feed_forward_length",
                kinds.chars().mapToObj(kind -> kind == 'E' ? width : 0).toList());
        put("attention.layer_norm_rms_epsilon", "layer_norm_epsilon");
        put("expert_shared_feed_forward_length", "moe_shared_expert_intermediate_size");
        put("moe_latent_size", "moe_latent_size");
        put("ssm.conv_kernel", "conv_kernel");
        put("ssm.state_size", "ssm_state_size");
        put("ssm.group_count", "n_groups");
        put("ssm.time_step_rank", "mamba_num_heads");
        value("ssm.inner_size", config.requireInt("mamba_num_heads") * config.requireInt("mamba_head_dim"));
        value("rope.scaling.finetuned", false);
    }

    /// What layers are dense, and which attend to blocks, the reader has to see from the tensors.
    private void describeBlocksOfKeys() {
        JsonObject sparse = config.requireObject("sparse_attention_config");
        value("expert_gating_func", 2);
        put("expert_feed_forward_length", "intermediate_size");
        put("rope.dimension_count", "rotary_dim");
        value("expert_shared_count", 1);
        value("expert_weights_norm", true);
        value("leading_dense_block_count", 1);
        value("attention.indexer.head_count", sparse.requireInt("sparse_num_index_heads"));
        value("attention.indexer.key_length", sparse.requireInt("sparse_index_dim"));
        value("attention.indexer.top_k", sparse.requireInt("sparse_topk_blocks"));
        value("attention.indexer.block_size", sparse.requireInt("sparse_block_size"));
        value("attention.indexer.local_blocks", sparse.requireInt("sparse_local_block"));
    }

    private void describeEntries() {
        JsonObject rates = config.requireObject("compress_rates");
        List<Integer> ratios = config.optionalStrings("layer_types").orElseThrow().stream()
                .map(type -> rates.optionalInt(type).orElse(0))
                .toList();
        value("expert_gating_func", 4);
        put("attention.sliding_window", "sliding_window");
        put("rope.dimension_count", "qk_rope_head_dim");
        put("attention.q_lora_rank", "q_lora_rank");
        put("attention.output_lora_rank", "o_lora_rank");
        put("attention.output_group_count", "o_groups");
        value("attention.compress_ratios", ratios);
        value("attention.compress_rope_freq_base", (float) config.requireDouble("compress_rope_theta"));
        put("hash_layer_count", "num_hash_layers");
        value("swiglu_clamp_exp", Collections.nCopies(ratios.size(), (float) config.requireDouble("swiglu_limit")));
        put("attention.indexer.head_count", "index_n_heads");
        put("attention.indexer.key_length", "index_head_dim");
        put("attention.indexer.top_k", "index_topk");
        put("nextn_predict_layers", "num_nextn_predict_layers");
        put("hyper_connection.count", "hc_mult");
        put("hyper_connection.sinkhorn_iterations", "hc_sinkhorn_iters");
        put("hyper_connection.epsilon", "hc_eps");
    }

    private void describeScaling(JsonObject scaling) {
        if (scaling.optionalString(scaling.has("type") ? "type" : "rope_type")
                .orElse("")
                .equals("yarn")) {
            value("rope.scaling.type", "yarn");
            value("rope.scaling.factor", (float) scaling.requireDouble("factor"));
            value("rope.scaling.original_context_length", scaling.requireInt("original_max_position_embeddings"));
        }
    }

    /// Factors are tensors; what multiplies cosines and sines comes from how much longer the context became.
    private void describePhi() {
        int original = config.requireInt("original_max_position_embeddings");
        value("rope.dimension_count", config.requireInt("hidden_size") / config.requireInt("num_attention_heads"));
        value("rope.scaling.original_context_length", original);
        put("attention.sliding_window", "sliding_window");
        config.optionalObject("rope_scaling").ifPresent(scaling -> {
            double scale = (double) config.requireInt("max_position_embeddings") / original;
            value("rope.scaling.attn_factor", (float) Math.sqrt(1 + Math.log(scale) / Math.log(original)));
            put("rope_factors_long.weight", Floats.of(scaling.requireDoubles("long_factor")));
            put("rope_factors_short.weight", Floats.of(scaling.requireDoubles("short_factor")));
        });
    }

    /// Of the scaling of Llama 3, the file has what each frequency is divided by.
    private void describeLlama4() {
        put("feed_forward_length", "intermediate_size_mlp");
        put("expert_feed_forward_length", "intermediate_size");
        put("interleave_moe_layer_step", "interleave_moe_layer_step");
        put("rope.dimension_count", "head_dim");
        config.optionalObject("rope_scaling").ifPresent(scaling -> {
            List<Double> factors =
                    divisors(scaling, 8192, config.requireInt("head_dim"), config.requireDouble("rope_theta"));
            put("rope_freqs.weight", Floats.of(factors));
        });
    }

    /// Returns what Llama 3 divides the frequencies of so many elements of a head by.
    private static List<Double> divisors(JsonObject scaling, double original, int rotated, double theta) {
        double low = scaling.requireDouble("low_freq_factor");
        double high = scaling.requireDouble("high_freq_factor");
        double factor = scaling.requireDouble("factor");
        List<Double> factors = new ArrayList<>();
        for (int i = 0; i < rotated; i += 2) {
            double wave = 2 * Math.PI * Math.pow(theta, (double) i / rotated);
            if (wave < original / high) {
                factors.add(1.0);
            } else if (wave > original / low) {
                factors.add(factor);
            } else {
                double kept = (original / wave - low) / (high - low);
                factors.add(1 / ((1 - kept) / factor + kept));
            }
        }
        return factors;
    }

    /// Lists say which layers slide, how many heads each has, and what limits its activations. Factors are those of the
    /// elements that full layers rotate, and 1 behind them.
    private void describeStep() {
        List<String> types = config.optionalStrings("layer_types").orElseThrow().stream()
                .limit(config.requireInt("num_hidden_layers"))
                .toList();
        JsonObject ofSliding = config.requireObject("attention_other_setting");
        List<Double> thetas = config.requireDoubles("rope_theta");
        int headDim = config.requireInt("head_dim");
        value("expert_gating_func", 2);
        put("attention.sliding_window", "sliding_window");
        value(
                "attention.sliding_window_pattern",
                types.stream().map("sliding_attention"::equals).toList());
        value("attention.head_count", headsOf(types, "num_attention_heads", ofSliding));
        value("attention.head_count_kv", headsOf(types, "num_attention_groups", ofSliding));
        put("expert_used_count", "moe_top_k");
        put("expert_shared_feed_forward_length", "share_expert_dim");
        put("expert_weights_scale", "moe_router_scaling_factor");
        put("expert_weights_norm", "norm_expert_weight");
        value("swiglu_clamp_exp", floats("swiglu_limits", types.size()));
        value("swiglu_clamp_shexp", floats("swiglu_limits_shared", types.size()));
        value("rope.freq_base", thetas.get(types.indexOf("full_attention")).floatValue());
        value(
                "rope.freq_base_swa",
                thetas.get(types.indexOf("sliding_attention")).floatValue());
        config.optionalObject("rope_scaling").ifPresent(scaling -> {
            List<Double> factors = new ArrayList<>(divisors(
                    scaling,
                    scaling.requireInt("original_max_position_embeddings"),
                    headDim / 2,
                    thetas.get(types.indexOf("full_attention"))));
            factors.addAll(Collections.nCopies(headDim / 2 - factors.size(), 1.0));
            put("rope_freqs.weight", Floats.of(factors));
        });
    }

    private List<Integer> headsOf(List<String> types, String key, JsonObject ofSliding) {
        return types.stream()
                .map(type -> (type.equals("sliding_attention") ? ofSliding : config).requireInt(key))
                .toList();
    }

    private List<Float> floats(String key, int count) {
        return config.requireDoubles(key).stream()
                .limit(count)
                .map(Double::floatValue)
                .toList();
    }

    private void describeGranite() {
        put("attention.scale", "attention_multiplier");
        put("embedding_scale", "embedding_multiplier");
        put("residual_scale", "residual_multiplier");
        put("logit_scale", "logits_scaling");
        put("expert_shared_feed_forward_length", "shared_intermediate_size");
    }

    private void describeStates(String rank) {
        put("ssm.conv_kernel", "mamba_d_conv");
        put("ssm.state_size", "mamba_d_state");
        put("ssm.time_step_rank", rank);
        value("ssm.inner_size", config.requireInt("mamba_expand") * config.requireInt("hidden_size"));
    }

    private void headsOfAttention(String type) {
        List<String> types = config.optionalStrings("layer_types").orElseThrow();
        headsOfLayers(layer -> types.get(layer).equals(type));
    }

    private void headsOfLayers(IntPredicate attends) {
        int heads = config.requireInt("num_key_value_heads");
        value(
                "attention.head_count_kv",
                IntStream.range(0, config.requireInt("num_hidden_layers"))
                        .mapToObj(layer -> attends.test(layer) ? heads : 0)
                        .toList());
    }

    private void describeHunyuan() {
        int headDim = config.requireInt("head_dim");
        double alpha = config.requireObject("rope_scaling").requireDouble("alpha");
        double theta = config.requireDouble("rope_theta");
        value("rope.freq_base", (float) (theta * Math.pow(alpha, headDim / (headDim - 2.0))));
        value("rope.scaling.type", "none");
        value("rope.scaling.factor", 1f);
        value("expert_shared_feed_forward_length", config.requireInt("intermediate_size"));
        value("expert_feed_forward_length", first("moe_intermediate_size"));
        value("expert_used_count", first("moe_topk"));
        value("expert_shared_count", first("num_shared_expert"));
    }

    private void describeLatents() {
        int rotated = config.requireInt("qk_rope_head_dim");
        int latent = config.requireInt("kv_lora_rank");
        value("attention.head_count_kv", 1);
        put("attention.q_lora_rank", "q_lora_rank");
        value("attention.kv_lora_rank", latent);
        value("attention.key_length", latent + rotated);
        value("attention.value_length", latent);
        value("attention.key_length_mla", config.requireInt("qk_nope_head_dim") + rotated);
        put("attention.value_length_mla", "v_head_dim");
        value("rope.dimension_count", rotated);
        value(
                "expert_gating_func",
                config.optionalString("scoring_func").orElse("sigmoid").equals("sigmoid") ? 2 : 1);
        config.optionalObject("rope_scaling")
                .flatMap(scaling -> scaling.optionalDouble("mscale_all_dim"))
                .ifPresent(mscale -> value("rope.scaling.yarn_log_multiplier", (float) (0.1 * mscale)));
    }

    /// Neither shared experts nor layers without any are counted.
    private void describeHy() {
        List.of("expert_shared_count", "leading_dense_block_count")
                .forEach(key -> metadata.remove(architecture + "." + key));
        value(
                "expert_shared_feed_forward_length",
                config.requireInt("num_shared_experts") * config.requireInt("moe_intermediate_size"));
        put("expert_weights_norm", "route_norm");
        put("expert_weights_scale", "router_scaling_factor");
        value("expert_gating_func", 2);
    }

    /// As files of Mistral's own checkpoints have it.
    private void describeTemperature(JsonObject scaling) {
        describeScaling(scaling);
        value("rope.scaling.yarn_beta_fast", (float) scaling.requireDouble("beta_fast"));
        value("rope.scaling.yarn_beta_slow", (float) scaling.requireDouble("beta_slow"));
        value("rope.scaling.yarn_log_multiplier", (float) (0.1 * scaling.requireDouble("mscale_all_dim")));
        value("attention.temperature_scale", (float) scaling.requireDouble("llama_4_scaling_beta"));
        value("attention.temperature_length", scaling.requireInt("original_max_position_embeddings"));
    }

    private void describeDbrx() {
        JsonObject attention = config.requireObject("attn_config");
        JsonObject ffn = config.requireObject("ffn_config");
        put("block_count", "n_layers");
        put("context_length", "max_seq_len");
        put("embedding_length", "d_model");
        put("attention.head_count", "n_heads");
        value("feed_forward_length", ffn.requireInt("ffn_hidden_size"));
        value("attention.head_count_kv", attention.requireInt("kv_n_heads"));
        value("rope.freq_base", (float) attention.requireDouble("rope_theta"));
        value("attention.clamp_kqv", (float) attention.requireDouble("clip_qkv"));
        value("expert_count", ffn.requireInt("moe_num_experts"));
        value("expert_used_count", ffn.requireInt("moe_top_k"));
        value("attention.layer_norm_epsilon", 1e-5f);
    }

    /// Puts what the first of these keys of the configuration says, if it is there.
    private void put(String key, String... names) {
        for (String name : names) {
            Object found = config.value(name);
            if (found != null && !(found instanceof List)) {
                value(key, found instanceof Double number ? (Object) number.floatValue() : found);
                return;
            }
        }
    }

    private void value(String key, Object value) {
        metadata.put(architecture + "." + key, value);
    }

    private int first(String list) {
        return config.optionalInts(list).orElseThrow().getFirst();
    }

    private void convert(String name, Floats tensor) {
        if (ENCODER.matcher(name).matches()) {
            return; // in a file of its own
        }
        Matcher layer = LAYER.matcher(name);
        if (!layer.matches()) {
            put(Objects.requireNonNull(OUTSIDE.get(name), name), shifted(name, tensor));
            return;
        }
        String block = "blk." + layer.group(1) + ".";
        String part = layer.group(2);
        Matcher expert = EXPERT.matcher(part);
        Matcher fused = FUSED.matcher(part);
        if (expert.matches()) {
            String stack = block + "ffn_" + PROJECTIONS.get(expert.group(2)) + "_exps." + expert.group(3);
            stacks.computeIfAbsent(stack, key -> new TreeMap<>()).put(Integer.valueOf(expert.group(1)), tensor);
        } else if (fused.matches()) {
            String suffix = fused.group(1).equals("shared_mlp") ? "_shexp.weight" : "_exps.weight";
            put(block + "ffn_gate" + suffix, tensor.rows(0, 2, false));
            put(block + "ffn_up" + suffix, tensor.rows(1, 2, false));
        } else if (part.endsWith("e_score_correction_bias")
                || part.endsWith("expert_bias")
                || part.equals("moe.router_bias")) {
            put(block + "exp_probs_b" + (architecture.equals("hy_v3") ? "" : ".bias"), tensor.flat());
        } else if (STATE_VECTORS.containsKey(part)) {
            convertVector(block, part, tensor);
        } else if (part.startsWith("feed_forward.experts.")) {
            convertLlama4(block, part, tensor);
        } else if (architecture.equals("deepseek4")) {
            put(block + Objects.requireNonNull(DEEPSEEK4.get(part), part), tensor);
        } else if (GEMMA.containsKey(part)) {
            put(block + GEMMA.get(part), tensor);
        } else if (part.equals("linear_attn.in_proj_qkvz.weight")) {
            splitDeltas(block, tensor);
        } else if (part.equals("self_attn.sinks") || part.equals("self_attn.attention_sink_bias")) {
            put(block + "attn_sinks.weight", tensor);
        } else if (part.equals("self_attn.kv_b_proj.weight")) {
            splitKeysAndValues(block, tensor);
        } else if (part.startsWith("mlp.experts.")
                && (architecture.startsWith("qwen3") || architecture.equals("mistral4"))) {
            convertQwen(block, part, tensor);
        } else if (part.startsWith("mlp.experts.")) {
            convertGptOss(block, part.substring("mlp.experts.".length()), tensor);
        } else if (part.startsWith("ffn.experts.mlp.")) {
            convertDbrx(block, part.substring(part.length() - 2), tensor);
        } else {
            int dot = part.lastIndexOf('.');
            put(block + renamed(part.substring(0, dot)) + part.substring(dot), inTurns(part, permuted(part, tensor)));
        }
    }

    /// Of Mamba-2, rates and skips get a last dimension of one, and norms a first one of groups.
    private void convertVector(String block, String part, Floats tensor) {
        boolean mamba2 = architecture.equals("granitehybrid") || architecture.equals("nemotron_h_moe");
        Floats shaped = mamba2 && tensor.shape().length == 1 && !part.endsWith("dt_bias")
                ? tensor.column()
                : inTurns(part, tensor);
        put(block + STATE_VECTORS.get(part), part.endsWith("A_log") ? shaped.negatedExponentials() : shaped);
    }

    private String renamed(String part) {
        return part.equals("post_attention_layernorm")
                ? POST_NORMED.contains(architecture) ? "post_attention_norm" : "ffn_norm"
                : Objects.requireNonNull(NAMES.get(part), part);
    }

    /// LlamaModel.permute, which its children inherit.
    private Floats permuted(String part, Floats tensor) {
        if (part.startsWith("self_attn.") && part.endsWith("conv1d.weight")) {
            return new Floats(new long[] {1, tensor.shape()[0], 1, tensor.shape()[2]}, tensor.values());
        }
        if (part.endsWith("conv.conv.weight") || part.endsWith("conv1d.weight")) {
            return tensor.squeezed();
        }
        if (part.equals("mamba.norm.weight") || part.equals("mixer.norm.weight")) {
            int groups = config.requireInt(part.startsWith("mixer") ? "n_groups" : "mamba_n_groups");
            return new Floats(new long[] {groups, tensor.values().length / groups}, tensor.values());
        }
        if (part.endsWith("norm.weight")) {
            return shifted(part, tensor);
        }
        boolean llama = architecture.startsWith("granite");
        if (llama && part.equals("self_attn.q_proj.weight")) {
            return tensor.interleaved(config.requireInt("num_attention_heads"));
        }
        return llama && part.equals("self_attn.k_proj.weight")
                ? tensor.interleaved(config.requireInt("num_key_value_heads"))
                : tensor;
    }

    private Floats shifted(String name, Floats tensor) {
        boolean aroundZero = AROUND_ZERO.contains(architecture)
                && name.endsWith("norm.weight")
                && !name.endsWith("linear_attn.norm.weight");
        return aroundZero ? tensor.plusOne() : tensor;
    }

    /// Of Qwen3.5, heads of values take those of keys in turns, where neighbours share one in a checkpoint.
    private Floats inTurns(String part, Floats tensor) {
        if (!architecture.equals("qwen35moe") || !part.startsWith("linear_attn.") || part.contains("norm")) {
            return tensor;
        }
        int keyHeads = config.requireInt("linear_num_key_heads");
        int heads = config.requireInt("linear_num_value_heads");
        int dim = config.requireInt("linear_value_head_dim");
        if (part.contains("out_proj")) {
            return tensor.transposed().inTurns(0, keyHeads, heads, dim).transposed();
        }
        boolean mixed = part.contains("in_proj_qkv") || part.contains("conv1d");
        int before = mixed ? 2 * keyHeads * config.requireInt("linear_key_head_dim") : 0;
        return tensor.inTurns(before, keyHeads, heads, mixed || part.contains("in_proj_z") ? dim : 1);
    }

    /// Halves of fused experts; Qwen3-VL has their inputs first.
    private void convertQwen(String block, String part, Floats tensor) {
        Floats outputsFirst = architecture.equals("qwen3vlmoe") ? tensor.transposed() : tensor;
        if (part.endsWith("gate_up_proj")) {
            put(block + "ffn_gate_exps.weight", outputsFirst.rows(0, 2, false));
            put(block + "ffn_up_exps.weight", outputsFirst.rows(1, 2, false));
        } else {
            put(block + "ffn_down_exps.weight", outputsFirst);
        }
    }

    private void splitKeysAndValues(String block, Floats tensor) {
        int heads = config.requireInt("num_attention_heads");
        int nope = config.requireInt("qk_nope_head_dim");
        int value = config.requireInt("v_head_dim");
        int latent = config.requireInt("kv_lora_rank");
        Floats perHead = new Floats(new long[] {heads, nope + value, latent}, tensor.values());
        put(block + "attn_k_b.weight", perHead.range(0, nope).transposed());
        put(block + "attn_v_b.weight", perHead.range(nope, nope + value));
    }

    /// Rows by heads of keys become rows by queries, keys and values, and the gate apart.
    private void splitDeltas(String block, Floats tensor) {
        int keyHeads = config.requireInt("linear_num_key_heads");
        int key = config.requireInt("linear_key_head_dim");
        int value = config.requireInt("linear_num_value_heads") / keyHeads * config.requireInt("linear_value_head_dim");
        long cols = tensor.shape()[1];
        Floats perHead = new Floats(new long[] {keyHeads, 2L * key + 2L * value, cols}, tensor.values());
        Floats mixed = perHead.range(0, key)
                .joined()
                .above(perHead.range(key, 2 * key).joined(), 1)
                .above(perHead.range(2 * key, 2 * key + value).joined(), 1);
        put(block + "attn_qkv.weight", mixed);
        put(
                block + "attn_gate.weight",
                perHead.range(2 * key + value, 2 * key + 2 * value).joined());
    }

    private void convertLlama4(String block, String part, Floats tensor) {
        Floats outputsFirst = tensor.transposed();
        if (part.endsWith("gate_up_proj")) {
            put(block + "ffn_gate_exps.weight", outputsFirst.rows(0, 2, false));
            put(block + "ffn_up_exps.weight", outputsFirst.rows(1, 2, false));
        } else {
            put(block + "ffn_down_exps.weight", outputsFirst);
        }
    }

    private void convertGptOss(String block, String part, Floats tensor) {
        switch (part) {
            case "gate_up_proj" -> {
                put(block + "ffn_gate_exps.weight", tensor.transposed().rows(0, 2, true));
                put(block + "ffn_up_exps.weight", tensor.transposed().rows(1, 2, true));
            }
            case "gate_up_proj_bias" -> {
                put(
                        block + "ffn_gate_exps.bias",
                        tensor.column().rows(0, 2, true).flatRows());
                put(block + "ffn_up_exps.bias", tensor.column().rows(1, 2, true).flatRows());
            }
            case "down_proj" -> put(block + "ffn_down_exps.weight", tensor.transposed());
            case "down_proj_bias" -> put(block + "ffn_down_exps.bias", tensor);
            default -> throw new IllegalArgumentException(part);
        }
    }

    private void convertDbrx(String block, String part, Floats tensor) {
        JsonObject ffn = config.requireObject("ffn_config");
        Floats experts = new Floats(
                new long[] {
                    ffn.requireInt("moe_num_experts"), ffn.requireInt("ffn_hidden_size"), config.requireInt("d_model")
                },
                tensor.values());
        switch (part) {
            case "w1" -> put(block + "ffn_gate_exps.weight", experts);
            case "v1" -> put(block + "ffn_up_exps.weight", experts);
            case "w2" -> put(block + "ffn_down_exps.weight", experts.transposed());
            default -> throw new IllegalArgumentException(part);
        }
    }

    /// Codes of MXFP4, two neighbours in a byte, become blocks of ggml: the exponent, then bytes whose lower halves are
    /// the first sixteen elements and whose upper halves are the others.
    private void convertCodes(Checkpoint opened, String name) {
        Matcher layer = LAYER.matcher(name);
        if (!layer.matches()) {
            throw new IllegalArgumentException(name);
        }
        String block = "blk." + layer.group(1) + ".";
        long width = config.requireInt("intermediate_size");
        long hidden = config.requireInt("hidden_size");
        boolean down = name.contains("down_proj");
        long[] shape = {config.requireInt("num_local_experts"), down ? hidden : 2 * width, (down ? width : hidden) / 32
        };
        byte[] in = bytes(opened, opened.requireBytes(name, shape[0], shape[1], shape[2], 16));
        byte[] scales = bytes(opened, opened.requireBytes(name.replace("_blocks", "_scales"), shape));
        byte[] out = new byte[scales.length * 17];
        for (int at = 0; at < scales.length; at++) {
            out[17 * at] = scales[at];
            for (int element = 0; element < 32; element++) {
                int code = (in[16 * at + element / 2] >> (4 * (element % 2))) & 15;
                out[17 * at + 1 + element % 16] |= (byte) (code << (element < 16 ? 0 : 4));
            }
        }
        int rows = (int) shape[1];
        int rowBytes = (int) shape[2] * 17;
        if (down) {
            putCodes(block + "ffn_down_exps.weight", out, shape, rows);
        } else {
            putCodes(block + "ffn_gate_exps.weight", everyOther(out, rowBytes, 0), shape, rows / 2);
            putCodes(block + "ffn_up_exps.weight", everyOther(out, rowBytes, 1), shape, rows / 2);
        }
    }

    private void putCodes(String name, byte[] blocks, long[] shape, int rows) {
        tensors.put(name, new Tensor(GgmlType.MXFP4, new long[] {shape[0], rows, shape[2] * 32}, blocks));
    }

    private static byte[] everyOther(byte[] rows, int rowBytes, int first) {
        byte[] out = new byte[rows.length / 2];
        for (int row = 0; row < out.length / rowBytes; row++) {
            System.arraycopy(rows, (2 * row + first) * rowBytes, out, row * rowBytes, rowBytes);
        }
        return out;
    }

    private static byte[] bytes(Checkpoint opened, RawTensor tensor) {
        byte[] bytes = new byte[(int) tensor.byteLength()];
        opened.read(tensor, 0, MemorySegment.ofArray(bytes));
        return bytes;
    }

    /// 64-bit numbers become 32-bit ones.
    private void convertExpertsByToken(Checkpoint opened, String name) {
        Matcher layer = LAYER.matcher(name);
        if (!layer.matches()) {
            throw new IllegalArgumentException(name);
        }
        long[] shape = {config.requireInt("vocab_size"), config.requireInt("num_experts_per_tok")};
        float[] experts = opened.readIntegers(opened.requireIntegers(name, shape));
        ByteBuffer bytes = ByteBuffer.allocate(experts.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float expert : experts) {
            bytes.putInt((int) expert);
        }
        tensors.put(
                "blk." + layer.group(1) + ".ffn_gate_tid2eid.weight", new Tensor(GgmlType.I32, shape, bytes.array()));
    }

    private void put(String name, Floats tensor) {
        tensors.put(name, new Tensor(GgmlType.F32, tensor.shape(), tensor.bytes()));
    }

    /// A tensor of floats, row-major; its rows are those of the dimension before the last.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares tensors
    private record Floats(long[] shape, float[] values) {
        static Floats of(Tensor tensor) {
            float[] values = new float[tensor.bytes().length / Float.BYTES];
            MemorySegment.copy(
                    MemorySegment.ofArray(tensor.bytes()),
                    ValueLayout.JAVA_FLOAT_UNALIGNED,
                    0,
                    values,
                    0,
                    values.length);
            return new Floats(tensor.shape(), values);
        }

        static Floats of(List<Double> numbers) {
            float[] values = new float[numbers.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = numbers.get(i).floatValue();
            }
            return new Floats(new long[] {values.length}, values);
        }

        /// Rows of matrices above those of others, as one matrix.
        Floats above(Floats below, int matrices) {
            int mine = values.length / matrices;
            int others = below.values().length / matrices;
            float[] out = new float[values.length + below.values().length];
            for (int matrix = 0; matrix < matrices; matrix++) {
                System.arraycopy(values, matrix * mine, out, matrix * (mine + others), mine);
                System.arraycopy(below.values(), matrix * others, out, matrix * (mine + others) + mine, others);
            }
            return new Floats(new long[] {out.length / cols(), cols()}, out);
        }

        static Floats stack(Iterable<Floats> parts) {
            List<Floats> all = new ArrayList<>();
            parts.forEach(all::add);
            Floats first = all.getFirst();
            float[] values = new float[all.size() * first.values().length];
            for (int i = 0; i < all.size(); i++) {
                System.arraycopy(all.get(i).values(), 0, values, i * first.values().length, first.values().length);
            }
            return new Floats(
                    LongStream.concat(LongStream.of(all.size()), LongStream.of(first.shape()))
                            .toArray(),
                    values);
        }

        private int cols() {
            return (int) shape[shape.length - 1];
        }

        private int rowsOfMatrix() {
            return (int) shape[shape.length - 2];
        }

        private Floats withRows(int rows, float[] values) {
            long[] changed = shape.clone();
            changed[shape.length - 2] = rows;
            return new Floats(changed, values);
        }

        /// Rows of one part of `parts`: every `parts`-th row from `part` on, or else the part-th run of rows.
        Floats rows(int part, int parts, boolean inTurns) {
            int rows = rowsOfMatrix() / parts;
            int matrices = values.length / cols() / rowsOfMatrix();
            float[] out = new float[values.length / parts];
            for (int matrix = 0; matrix < matrices; matrix++) {
                for (int row = 0; row < rows; row++) {
                    int from = matrix * rowsOfMatrix() + (inTurns ? row * parts + part : part * rows + row);
                    System.arraycopy(values, from * cols(), out, (matrix * rows + row) * cols(), cols());
                }
            }
            return withRows(rows, out);
        }

        Floats range(int first, int end) {
            int matrices = values.length / cols() / rowsOfMatrix();
            float[] out = new float[matrices * (end - first) * cols()];
            for (int matrix = 0; matrix < matrices; matrix++) {
                System.arraycopy(
                        values,
                        (matrix * rowsOfMatrix() + first) * cols(),
                        out,
                        matrix * (end - first) * cols(),
                        (end - first) * cols());
            }
            return withRows(end - first, out);
        }

        Floats transposed() {
            int rows = rowsOfMatrix();
            int cols = cols();
            float[] out = new float[values.length];
            for (int i = 0; i < values.length; i++) {
                int matrix = i / (rows * cols);
                int row = i / cols % rows;
                out[matrix * rows * cols + i % cols * rows + row] = values[i];
            }
            long[] changed = shape.clone();
            changed[shape.length - 1] = rows;
            changed[shape.length - 2] = cols;
            return new Floats(changed, out);
        }

        /// Heads whose halves become neighbours.
        Floats interleaved(int heads) {
            int rows = rowsOfMatrix();
            int half = rows / heads / 2;
            float[] out = new float[values.length];
            for (int row = 0; row < rows; row++) {
                int head = row / (2 * half);
                int within = row % (2 * half);
                int to = head * 2 * half + within % half * 2 + within / half;
                System.arraycopy(values, row * cols(), out, to * cols(), cols());
            }
            return new Floats(shape, out);
        }

        /// Rows of heads, from row `before` on, that are neighbours become those that a turn through all keys lies
        /// between.
        Floats inTurns(int before, int keyHeads, int heads, int rowsOfHead) {
            int width = shape.length == 1 ? 1 : cols();
            int sharing = heads / keyHeads;
            float[] out = values.clone();
            for (int head = 0; head < heads; head++) {
                int to = head % sharing * keyHeads + head / sharing;
                int length = rowsOfHead * width;
                System.arraycopy(values, before * width + head * length, out, before * width + to * length, length);
            }
            return new Floats(shape, out);
        }

        Floats squeezed() {
            return new Floats(LongStream.of(shape).filter(length -> length != 1).toArray(), values);
        }

        /// Matrices one above the other.
        Floats joined() {
            return new Floats(new long[] {values.length / cols(), cols()}, values);
        }

        Floats plusOne() {
            float[] out = new float[values.length];
            for (int i = 0; i < out.length; i++) {
                out[i] = values[i] + 1;
            }
            return new Floats(shape, out);
        }

        Floats negatedExponentials() {
            float[] out = new float[values.length];
            for (int i = 0; i < out.length; i++) {
                out[i] = (float) -Math.exp(values[i]);
            }
            return new Floats(shape, out);
        }

        Floats flat() {
            return new Floats(new long[] {values.length}, values);
        }

        Floats column() {
            return new Floats(
                    LongStream.concat(LongStream.of(shape), LongStream.of(1)).toArray(), values);
        }

        Floats flatRows() {
            return new Floats(Arrays.copyOf(shape, shape.length - 1), values);
        }

        byte[] bytes() {
            byte[] bytes = new byte[values.length * Float.BYTES];
            MemorySegment.copy(
                    values, 0, MemorySegment.ofArray(bytes), ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
            return bytes;
        }
    }
}
