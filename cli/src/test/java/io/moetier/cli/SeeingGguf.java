package io.moetier.cli;

import io.moetier.storage.format.GgufWriter;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/// A language model in one GGUF file and a tower for it in another, InternVL of one layer with any weights. There is
/// no tokenizer, but a word for images.
public final class SeeingGguf {
    /// Stands in a text for a row of an image; a tile has one.
    public static final int IMAGE_TOKEN = 7;

    private static final int HIDDEN = 32;
    private static final int VOCABULARY = 12;

    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final Map<String, long[]> tensors = new LinkedHashMap<>();
    private final Random random;

    private SeeingGguf(long seed) {
        random = new Random(seed);
    }

    /// Returns the language model, to be written.
    public static SeeingGguf model() {
        SeeingGguf file = new SeeingGguf(1);
        file.metadata.put("general.architecture", "qwen3moe");
        Map.of(
                        "context_length", 64,
                        "embedding_length", HIDDEN,
                        "block_count", 1,
                        "attention.head_count", 2,
                        "attention.head_count_kv", 2,
                        "expert_count", 2,
                        "expert_used_count", 1,
                        "expert_feed_forward_length", HIDDEN)
                .forEach((key, value) -> file.metadata.put("qwen3moe." + key, value));
        file.metadata.put("qwen3moe.attention.layer_norm_rms_epsilon", 1e-6f);
        file.metadata.put(
                "tokenizer.ggml.tokens",
                IntStream.range(0, VOCABULARY)
                        .mapToObj(id -> id == IMAGE_TOKEN ? "<IMG_CONTEXT>" : "t" + id)
                        .toList());
        file.tensor("token_embd.weight", VOCABULARY, HIDDEN);
        file.tensor("output.weight", VOCABULARY, HIDDEN);
        file.tensor("output_norm.weight", HIDDEN);
        for (String norm : List.of("attn_norm", "ffn_norm")) {
            file.tensor("blk.0." + norm + ".weight", HIDDEN);
        }
        for (String norm : List.of("attn_q_norm", "attn_k_norm")) {
            file.tensor("blk.0." + norm + ".weight", HIDDEN / 2);
        }
        for (String matrix : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
            file.tensor("blk.0." + matrix + ".weight", HIDDEN, HIDDEN);
        }
        file.tensor("blk.0.ffn_gate_inp.weight", 2, HIDDEN);
        for (String stack : List.of("ffn_gate_exps", "ffn_up_exps", "ffn_down_exps")) {
            file.tensor("blk.0." + stack + ".weight", 2, HIDDEN, HIDDEN);
        }
        return file;
    }

    /// Returns the tower, to be written.
    ///
    /// @param seed of its weights
    public static SeeingGguf tower(long seed) {
        SeeingGguf file = new SeeingGguf(seed);
        file.metadata.put("general.architecture", "clip");
        file.metadata.put("clip.projector_type", "internvl");
        file.metadata.put("clip.use_gelu", true);
        Map.of(
                        "projection_dim", HIDDEN,
                        "image_size", 16,
                        "patch_size", 8,
                        "embedding_length", HIDDEN,
                        "feed_forward_length", HIDDEN,
                        "block_count", 1,
                        "attention.head_count", 2,
                        "projector.scale_factor", 2,
                        "preproc_max_tiles", 1)
                .forEach((key, value) -> file.metadata.put("clip.vision." + key, value));
        file.metadata.put("clip.vision.attention.layer_norm_epsilon", 1e-6f);
        file.metadata.put("clip.vision.image_mean", List.of(0.5f, 0.5f, 0.5f));
        file.metadata.put("clip.vision.image_std", List.of(0.5f, 0.5f, 0.5f));
        file.tensor("v.class_embd", HIDDEN);
        file.tensor("v.position_embd.weight", 5, HIDDEN);
        file.tensor("v.patch_embd.weight", HIDDEN, 3, 8, 8);
        file.tensor("v.patch_embd.bias", HIDDEN);
        for (String matrix : List.of("attn_q", "attn_k", "attn_v", "attn_out", "ffn_up", "ffn_down")) {
            file.tensor("v.blk.0." + matrix + ".weight", HIDDEN, HIDDEN);
            file.tensor("v.blk.0." + matrix + ".bias", HIDDEN);
        }
        for (String number : List.of("1", "2")) {
            file.tensor("v.blk.0.ln" + number + ".weight", HIDDEN);
            file.tensor("v.blk.0.ln" + number + ".bias", HIDDEN);
            file.tensor("v.blk.0.ls" + number + ".weight", HIDDEN);
        }
        file.tensor("mm.model.mlp.0.weight", 4 * HIDDEN);
        file.tensor("mm.model.mlp.0.bias", 4 * HIDDEN);
        file.tensor("mm.model.mlp.1.weight", HIDDEN, 4 * HIDDEN);
        file.tensor("mm.model.mlp.1.bias", HIDDEN);
        file.tensor("mm.model.mlp.3.weight", HIDDEN, HIDDEN);
        file.tensor("mm.model.mlp.3.bias", HIDDEN);
        return file;
    }

    private void tensor(String name, long... shape) {
        tensors.put(name, shape);
    }

    public Path write(Path file) throws IOException {
        List<GgufWriter.Entry> entries = tensors.entrySet().stream()
                .map(tensor -> GgufWriter.Entry.of(tensor.getKey(), DType.F32, tensor.getValue()))
                .toList();
        try (GgufWriter writer = GgufWriter.create(file, metadata, entries)) {
            for (GgufWriter.Entry entry : entries) {
                MemorySegment bytes = MemorySegment.ofArray(new byte[(int) entry.byteLength()]);
                for (long at = 0; at < bytes.byteSize(); at += Float.BYTES) {
                    bytes.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, (float) random.nextGaussian() / 2);
                }
                writer.write(entry.name(), bytes);
            }
        }
        return file;
    }
}
