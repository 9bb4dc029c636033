package io.moetier.cli.hostile;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// A small sound GGUF file byte by byte, which knows where its fields lie, so that each can be damaged.
///
/// One layer of two experts, weights of zeros, and a vocabulary of SentencePiece's kind.
final class GgufBytes {
    /// Types of metadata values.
    static final int U32 = 4;

    static final int I32 = 5;
    static final int F32 = 6;
    static final int STRING = 8;
    static final int ARRAY = 9;
    static final int NUM_TENSORS_AT = 8;
    static final int NUM_VALUES_AT = 16;
    static final int FIELDS_AT = 24;
    private static final int ALIGNMENT = 32;
    private static final int WIDTH = 64;
    private static final int VOCABULARY = 8;

    /// Where a value of the metadata lies: its key, its type and what follows the type.
    record Field(String key, int type, int keyAt, int typeAt, int valueAt) {}

    /// Where the fields of a tensor lie.
    record Tensor(String name, int nameAt, int rankAt, int shapeAt, int typeAt, int offsetAt) {}

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final List<Field> fields = new ArrayList<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private final int headerEnd;
    private final byte[] bytes;

    /// @param extra further metadata: the type and the bytes after it, by key
    GgufBytes(Map<String, byte[]> extra) {
        Map<String, long[]> shapes = shapes();
        put("GGUF".getBytes(StandardCharsets.US_ASCII));
        put(int32(3), int64(shapes.size()), int64(22 + extra.size()));
        metadata();
        extra.forEach((key, value) -> {
            int keyAt = out.size();
            put(string(key));
            fields.add(new Field(key, value[0], keyAt, out.size(), out.size() + 4));
            put(value);
        });
        long offset = 0;
        for (Map.Entry<String, long[]> entry : shapes.entrySet()) {
            describe(entry.getKey(), entry.getValue(), offset);
            offset += padded(4 * Arrays.stream(entry.getValue()).reduce(1, Math::multiplyExact));
        }
        headerEnd = out.size();
        put(new byte[(int) (padded(headerEnd) - headerEnd + offset)]);
        bytes = out.toByteArray();
    }

    byte[] bytes() {
        return bytes.clone();
    }

    List<Field> fields() {
        return fields;
    }

    List<Tensor> tensors() {
        return tensors;
    }

    int headerEnd() {
        return headerEnd;
    }

    /// Returns the file with other bytes at a place.
    byte[] with(int at, byte[] change) {
        byte[] changed = bytes();
        System.arraycopy(change, 0, changed, at, change.length);
        return changed;
    }

    static byte[] int32(int value) {
        return little(4).putInt(value).array();
    }

    static byte[] int64(long value) {
        return little(8).putLong(value).array();
    }

    static byte[] float32(float value) {
        return little(4).putFloat(value).array();
    }

    static byte[] string(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return little(8 + utf8.length).putLong(utf8.length).put(utf8).array();
    }

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            joined.writeBytes(part);
        }
        return joined.toByteArray();
    }

    private void metadata() {
        text("general.architecture", "llama");
        text("general.name", "tiny");
        number("llama.context_length", 64);
        number("llama.embedding_length", WIDTH);
        number("llama.block_count", 1);
        number("llama.feed_forward_length", WIDTH);
        number("llama.attention.head_count", 2);
        number("llama.attention.head_count_kv", 2);
        number("llama.rope.dimension_count", WIDTH / 2);
        number("llama.vocab_size", VOCABULARY);
        number("llama.expert_count", 2);
        number("llama.expert_used_count", 1);
        value("llama.attention.layer_norm_rms_epsilon", F32, float32(1e-5f));
        value("llama.rope.freq_base", F32, float32(1e4f));
        text("tokenizer.ggml.model", "llama");
        List<String> pieces = List.of("<unk>", "<s>", "</s>", "▁", "a", "b", "▁a", "<0x0A>");
        value("tokenizer.ggml.tokens", ARRAY, array(STRING, pieces.stream().map(GgufBytes::string)));
        value("tokenizer.ggml.scores", ARRAY, array(F32, pieces.stream().map(_ -> float32(0))));
        value(
                "tokenizer.ggml.token_type",
                ARRAY,
                array(I32, List.of(2, 3, 3, 1, 1, 1, 1, 6).stream().map(GgufBytes::int32)));
        number("tokenizer.ggml.bos_token_id", 1);
        number("tokenizer.ggml.eos_token_id", 2);
        number("tokenizer.ggml.unknown_token_id", 0);
        number("general.file_type", 0);
    }

    private static byte[] array(int type, java.util.stream.Stream<byte[]> elements) {
        List<byte[]> all = elements.toList();
        return join(int32(type), int64(all.size()), join(all.toArray(byte[][]::new)));
    }

    private static Map<String, long[]> shapes() {
        Map<String, long[]> shapes = new TreeMap<>();
        shapes.put("token_embd.weight", new long[] {WIDTH, VOCABULARY});
        shapes.put("output_norm.weight", new long[] {WIDTH});
        shapes.put("blk.0.attn_norm.weight", new long[] {WIDTH});
        shapes.put("blk.0.ffn_norm.weight", new long[] {WIDTH});
        for (String name : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
            shapes.put("blk.0." + name + ".weight", new long[] {WIDTH, WIDTH});
        }
        shapes.put("blk.0.ffn_gate_inp.weight", new long[] {WIDTH, 2});
        for (String name : List.of("ffn_gate_exps", "ffn_up_exps", "ffn_down_exps")) {
            shapes.put("blk.0." + name + ".weight", new long[] {WIDTH, WIDTH, 2});
        }
        return shapes;
    }

    private void describe(String name, long[] shape, long offset) {
        int nameAt = out.size();
        put(string(name));
        int rankAt = out.size();
        put(int32(shape.length));
        for (long dimension : shape) {
            put(int64(dimension));
        }
        int typeAt = out.size();
        put(int32(0), int64(offset));
        tensors.add(new Tensor(name, nameAt, rankAt, rankAt + 4, typeAt, typeAt + 4));
    }

    private void text(String key, String value) {
        value(key, STRING, string(value));
    }

    private void number(String key, int value) {
        value(key, U32, int32(value));
    }

    private void value(String key, int type, byte[] value) {
        int keyAt = out.size();
        put(string(key));
        fields.add(new Field(key, type, keyAt, out.size(), out.size() + 4));
        put(int32(type), value);
    }

    private void put(byte[]... parts) {
        out.writeBytes(join(parts));
    }

    private static long padded(long length) {
        return (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private static ByteBuffer little(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }
}
