package io.moetier.lab.synthetic;

import io.moetier.storage.format.GgufWriter;
import io.moetier.storage.format.GgufWriter.Entry;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Writes a GGUF file of the OLMoE family with random weights.
///
/// Norms are one and matrices keep the size of what they are multiplied with, so activations neither vanish nor grow,
/// and which experts a token gets differs from token to token. What the model says means nothing.
public final class SyntheticModel {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int PIECE_BLOCKS = 4096;
    private static final int CONTEXT_LENGTH = 4096;

    private final ModelShape shape;
    private final DType dtype;
    private final List<Tensor> tensors = new ArrayList<>();

    /// @param deviation of the random weights; 0 for a norm, which is all ones
    private record Tensor(Entry entry, DType dtype, double deviation) {}

    private SyntheticModel(ModelShape shape, DType dtype) {
        this.shape = shape;
        this.dtype = RandomWeights.type(dtype.label());
        addTensors();
    }

    /// Writes the file that the arguments ask for, by default of OLMoE-1B-7B's shape in q8_0.
    ///
    /// @throws IllegalArgumentException if they are not as the message says
    /// @throws IOException if the file cannot be written; the message names it
    public static void main(String[] args) throws IOException {
        try {
            Arguments arguments = Arguments.parse(args);
            write(arguments.file(), arguments.shape(), arguments.dtype(), arguments.seed());
        } catch (IllegalArgumentException | IOException e) {
            e.setStackTrace(new StackTraceElement[0]); // the sentence is for those who typed the arguments
            throw e;
        }
    }

    /// Writes a model whose matrices have the type `dtype`; routers and norms are f32.
    ///
    /// @throws IllegalArgumentException if there is no way to make that type
    /// @throws IOException if the file cannot be written; the message names it, and no part of the file is left
    public static void write(Path file, ModelShape shape, DType dtype, long seed) throws IOException {
        SyntheticModel model = new SyntheticModel(shape, dtype);
        List<Entry> entries = model.tensors.stream().map(Tensor::entry).toList();
        GgufWriter writer = GgufWriter.create(file, model.metadata(), entries);
        try (writer) {
            model.write(writer, new RandomWeights(seed));
        } catch (IOException | RuntimeException | Error e) {
            Files.deleteIfExists(file);
            throw e;
        }
    }

    private void write(GgufWriter writer, RandomWeights random) throws IOException {
        for (Tensor tensor : tensors) {
            write(writer, tensor, random);
        }
    }

    private static void write(GgufWriter writer, Tensor tensor, RandomWeights random) throws IOException {
        MemorySegment piece =
                MemorySegment.ofArray(new byte[PIECE_BLOCKS * tensor.dtype().blockBytes()]);
        long length = tensor.entry().byteLength();
        for (long done = 0; done < length; done += piece.byteSize()) {
            MemorySegment part = piece.asSlice(0, Math.min(piece.byteSize(), length - done));
            if (tensor.deviation() == 0) {
                fillWithOnes(part);
            } else {
                random.fill(tensor.dtype(), tensor.deviation(), part);
            }
            writer.write(tensor.entry().name(), part);
        }
    }

    private static void fillWithOnes(MemorySegment floats) {
        for (long at = 0; at < floats.byteSize(); at += Float.BYTES) {
            floats.set(INT, at, Float.floatToRawIntBits(1));
        }
    }

    private Map<String, Object> metadata() {
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("general.architecture", "olmoe");
        metadata.put("general.name", "random weights in the shape of OLMoE");
        metadata.put("olmoe.block_count", shape.layers());
        metadata.put("olmoe.context_length", CONTEXT_LENGTH);
        metadata.put("olmoe.embedding_length", shape.hidden());
        metadata.put("olmoe.feed_forward_length", shape.expertHidden());
        metadata.put("olmoe.attention.head_count", shape.heads());
        metadata.put("olmoe.attention.head_count_kv", shape.heads());
        metadata.put("olmoe.attention.layer_norm_rms_epsilon", 1e-5f);
        metadata.put("olmoe.rope.freq_base", 1e4f);
        metadata.put("olmoe.expert_count", shape.experts());
        metadata.put("olmoe.expert_used_count", shape.expertsPerToken());
        metadata.put("olmoe.vocab_size", shape.vocabulary());
        metadata.putAll(new SmallVocabulary(shape.vocabulary()).metadata());
        return metadata;
    }

    private void addTensors() {
        int hidden = shape.hidden();
        int experts = shape.experts();
        int expertHidden = shape.expertHidden();
        add("token_embd", dtype, 1, shape.vocabulary(), hidden);
        for (int layer = 0; layer < shape.layers(); layer++) {
            String block = "blk." + layer + ".";
            addNorm(block + "attn_norm");
            for (String projection : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
                addMatrix(block + projection, dtype, hidden, hidden);
            }
            addNorm(block + "attn_q_norm");
            addNorm(block + "attn_k_norm");
            addNorm(block + "ffn_norm");
            addMatrix(block + "ffn_gate_inp", DType.F32, experts, hidden);
            addMatrix(block + "ffn_gate_exps", dtype, experts, expertHidden, hidden);
            addMatrix(block + "ffn_up_exps", dtype, experts, expertHidden, hidden);
            addMatrix(block + "ffn_down_exps", dtype, experts, hidden, expertHidden);
        }
        addNorm("output_norm");
        addMatrix("output", dtype, shape.vocabulary(), hidden);
    }

    private void addNorm(String name) {
        add(name, DType.F32, 0, shape.hidden());
    }

    /// Adds a matrix that keeps the size of a vector it is multiplied with.
    private void addMatrix(String name, DType type, long... dimensions) {
        add(name, type, 1 / Math.sqrt((double) dimensions[dimensions.length - 1]), dimensions);
    }

    private void add(String name, DType type, double deviation, long... dimensions) {
        tensors.add(new Tensor(Entry.of(name + ".weight", type, dimensions), type, deviation));
    }
}
