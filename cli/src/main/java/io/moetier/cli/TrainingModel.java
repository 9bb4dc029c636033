package io.moetier.cli;

import io.moetier.storage.format.GgufWriter;
import io.moetier.storage.format.GgufWriter.Entry;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// The least GGUF file that goes all the way of an import: one layer of OLMoE's family, whose weights are zeros.
final class TrainingModel {
    private static final int WIDTH = 64;
    private static final int EXPERTS = 2;

    /// The characters that stand for bytes in a vocabulary of GPT-2's kind, but for those that need a table.
    private static final List<String> TOKENS = Stream.concat(
                    Stream.of("<|endoftext|>", "th", "the"),
                    Stream.iterate('!', c -> c <= '~', c -> (char) (c + 1)).map(String::valueOf))
            .toList();

    private TrainingModel() {}

    /// @throws IOException if the file cannot be written
    static void write(Path file) throws IOException {
        List<Entry> entries = entries();
        try (GgufWriter writer = GgufWriter.create(file, metadata(), entries)) {
            for (Entry entry : entries) {
                writer.write(entry.name(), MemorySegment.ofArray(new byte[(int) entry.byteLength()]));
            }
        }
    }

    private static Map<String, Object> metadata() {
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("general.architecture", "olmoe");
        metadata.put("olmoe.block_count", 1);
        metadata.put("olmoe.context_length", WIDTH);
        metadata.put("olmoe.embedding_length", WIDTH);
        metadata.put("olmoe.feed_forward_length", WIDTH);
        metadata.put("olmoe.attention.head_count", 1);
        metadata.put("olmoe.attention.head_count_kv", 1);
        metadata.put("olmoe.attention.layer_norm_rms_epsilon", 1e-5f);
        metadata.put("olmoe.rope.freq_base", 1e4f);
        metadata.put("olmoe.expert_count", EXPERTS);
        metadata.put("olmoe.expert_used_count", 1);
        metadata.put("tokenizer.ggml.model", "gpt2");
        metadata.put("tokenizer.ggml.pre", "gpt-2");
        metadata.put("tokenizer.ggml.tokens", TOKENS);
        metadata.put("tokenizer.ggml.merges", List.of("t h", "th e"));
        metadata.put(
                "tokenizer.ggml.token_type",
                TOKENS.stream().map(token -> token.startsWith("<|") ? 3 : 1).toList());
        metadata.put("tokenizer.ggml.eos_token_id", 0);
        return metadata;
    }

    private static List<Entry> entries() {
        List<Entry> entries = new ArrayList<>();
        add(entries, "token_embd", DType.Q8_0, TOKENS.size(), WIDTH);
        for (String norm : List.of("attn_norm", "attn_q_norm", "attn_k_norm", "ffn_norm")) {
            add(entries, "blk.0." + norm, DType.F32, WIDTH);
        }
        for (String projection : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
            add(entries, "blk.0." + projection, DType.Q8_0, WIDTH, WIDTH);
        }
        add(entries, "blk.0.ffn_gate_inp", DType.F32, EXPERTS, WIDTH);
        for (String projection : List.of("ffn_gate_exps", "ffn_up_exps", "ffn_down_exps")) {
            add(entries, "blk.0." + projection, DType.Q8_0, EXPERTS, WIDTH, WIDTH);
        }
        add(entries, "output_norm", DType.F32, WIDTH);
        add(entries, "output", DType.Q8_0, TOKENS.size(), WIDTH);
        return entries;
    }

    private static void add(List<Entry> entries, String name, DType dtype, long... shape) {
        entries.add(Entry.of(name + ".weight", dtype, shape));
    }
}
