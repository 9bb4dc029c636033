package io.moetier.cli;

import io.moetier.storage.format.GgmlType;
import io.moetier.storage.format.GgufWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// A GGUF file of one layer with two experts and no tokenizer, whose weights are all zero unless they are given; to
/// be damaged.
public final class TinyGguf {
    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final Map<String, GgufWriter.Entry> tensors = new LinkedHashMap<>();
    private final Map<String, MemorySegment> contents = new HashMap<>();

    public TinyGguf() {
        this(64, GgmlType.Q8_0);
    }

    /// @param hidden the length of rows, whole blocks of `type`
    /// @param type of all matrices but the embedding and the router
    public TinyGguf(int hidden, GgmlType type) {
        metadata.put("general.architecture", "llama");
        put("context_length", 32);
        put("embedding_length", hidden);
        put("block_count", 1);
        put("feed_forward_length", hidden);
        put("attention.head_count", 2);
        put("attention.head_count_kv", 2);
        put("attention.layer_norm_rms_epsilon", 1e-5f);
        put("expert_count", 2);
        put("expert_used_count", 1);
        tensor("token_embd.weight", GgmlType.F32, 8, hidden);
        tensor("output_norm.weight", GgmlType.F32, hidden);
        tensor("blk.0.attn_norm.weight", GgmlType.F32, hidden);
        tensor("blk.0.ffn_norm.weight", GgmlType.F32, hidden);
        for (String name : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
            tensor("blk.0." + name + ".weight", type, hidden, hidden);
        }
        tensor("blk.0.ffn_gate_inp.weight", GgmlType.F32, 2, hidden);
        for (String name : List.of("ffn_gate_exps", "ffn_up_exps", "ffn_down_exps")) {
            tensor("blk.0." + name + ".weight", type, 2, hidden, hidden);
        }
    }

    /// Sets a value whose key follows the architecture.
    public TinyGguf put(String key, Object value) {
        return putWhole("llama." + key, value);
    }

    public TinyGguf putWhole(String key, Object value) {
        metadata.put(key, value);
        return this;
    }

    public TinyGguf remove(String tensor) {
        tensors.remove(tensor);
        return this;
    }

    /// Leaves out all tensors but one.
    public TinyGguf keep(String tensor) {
        tensors.keySet().retainAll(List.of(tensor));
        return this;
    }

    public TinyGguf tensor(String name, GgmlType type, long... shape) {
        tensors.put(
                name,
                new GgufWriter.Entry(name, type, Arrays.stream(shape).boxed().toList()));
        return this;
    }

    /// Gives a tensor, which keeps its shape, a type and the blocks that it consists of by turns.
    public TinyGguf fill(String name, GgmlType type, MemorySegment blocks) {
        GgufWriter.Entry entry = new GgufWriter.Entry(
                name, type, Objects.requireNonNull(tensors.get(name)).shape());
        MemorySegment bytes = MemorySegment.ofArray(new byte[(int) entry.byteLength()]);
        for (long at = 0; at < bytes.byteSize(); at += blocks.byteSize()) {
            bytes.asSlice(at).copyFrom(blocks.asSlice(0, Math.min(blocks.byteSize(), bytes.byteSize() - at)));
        }
        tensors.put(name, entry);
        contents.put(name, bytes);
        return this;
    }

    public Path write(Path file) throws IOException {
        List<GgufWriter.Entry> entries = List.copyOf(tensors.values());
        try (GgufWriter writer = GgufWriter.create(file, metadata, entries)) {
            for (GgufWriter.Entry entry : entries) {
                writer.write(
                        entry.name(),
                        contents.getOrDefault(entry.name(), MemorySegment.ofArray(new byte[(int) entry.byteLength()])));
            }
        }
        return file;
    }
}
