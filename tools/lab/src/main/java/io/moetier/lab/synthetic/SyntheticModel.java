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

/// Writes a GGUF file of a mixture of experts with random weights.
///
/// Norms are one and matrices keep the size of what they are multiplied with, so activations neither vanish nor grow,
/// and which experts a token gets differs from token to token: as chance has it in a model of the OLMoE family, or as a
/// text uses its words in one of the Llama family ([TextRouting]). What the model says means nothing.
public final class SyntheticModel {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int PIECE_BLOCKS = 4096;
    private static final int CONTEXT_LENGTH = 4096;

    private final ModelShape shape;
    private final DType dtype;
    private final RandomWeights random;
    private final Routing routing;
    private final List<Tensor> tensors = new ArrayList<>();

    private record Tensor(Entry entry, DType dtype, Routing.Rows rows) {}

    private SyntheticModel(ModelShape shape, DType dtype, RandomWeights random, Routing routing) {
        this.shape = shape;
        this.dtype = RandomWeights.type(dtype.label());
        this.random = random;
        this.routing = routing;
        addTensors();
    }

    /// Writes the file that the arguments ask for, by default of OLMoE-1B-7B's shape in q8_0.
    ///
    /// @throws IllegalArgumentException if they are not as the message says
    /// @throws IOException if the file cannot be written; the message names it
    public static void main(String[] args) throws IOException {
        try {
            Arguments arguments = Arguments.parse(args);
            if (arguments.text().isPresent()) {
                TextRouting routing = TextRouting.of(arguments.text().get(), arguments.shape(), arguments.seed());
                write(arguments.file(), arguments.shape(), arguments.dtype(), arguments.seed(), routing);
            } else {
                write(arguments.file(), arguments.shape(), arguments.dtype(), arguments.seed());
            }
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
        RandomWeights random = new RandomWeights(seed);
        new SyntheticModel(shape, dtype, random, new RandomRouting(shape, dtype, random)).write(file);
    }

    /// Writes one whose experts are chosen as `routing` says, which decides its tables of tokens.
    static void write(Path file, ModelShape shape, DType dtype, long seed, TextRouting routing) throws IOException {
        new SyntheticModel(shape, dtype, new RandomWeights(seed), routing).write(file);
    }

    private void write(Path file) throws IOException {
        List<Entry> entries = tensors.stream().map(Tensor::entry).toList();
        GgufWriter writer = GgufWriter.create(file, metadata(), entries);
        try (writer) {
            for (Tensor tensor : tensors) {
                write(writer, tensor);
            }
        } catch (IOException | RuntimeException | Error e) {
            Files.deleteIfExists(file);
            throw e;
        }
    }

    /// Writes some whole rows at a time.
    private static void write(GgufWriter writer, Tensor tensor) throws IOException {
        long rowBytes = tensor.dtype().bytes(tensor.entry().shape().getLast());
        long rows = tensor.entry().byteLength() / rowBytes;
        int most = (int) Math.max(1, (long) PIECE_BLOCKS * tensor.dtype().blockBytes() / rowBytes);
        MemorySegment piece = MemorySegment.ofArray(new byte[Math.toIntExact(most * rowBytes)]);
        for (long done = 0; done < rows; done += most) {
            MemorySegment part = piece.asSlice(0, Math.min(most, rows - done) * rowBytes);
            tensor.rows().fill(Math.toIntExact(done), part);
            writer.write(tensor.entry().name(), part);
        }
    }

    private static void fillWithOnes(MemorySegment floats) {
        for (long at = 0; at < floats.byteSize(); at += Float.BYTES) {
            floats.set(INT, at, Float.floatToRawIntBits(1));
        }
    }

    private Map<String, Object> metadata() {
        String family = routing.architecture();
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("general.architecture", family);
        metadata.put("general.name", "random weights in the shape of OLMoE");
        metadata.put(family + ".block_count", shape.layers());
        metadata.put(family + ".context_length", CONTEXT_LENGTH);
        metadata.put(family + ".embedding_length", shape.hidden());
        metadata.put(family + ".feed_forward_length", shape.expertHidden());
        metadata.put(family + ".attention.head_count", shape.heads());
        metadata.put(family + ".attention.head_count_kv", shape.heads());
        metadata.put(family + ".attention.layer_norm_rms_epsilon", 1e-5f);
        metadata.put(family + ".rope.freq_base", 1e4f);
        metadata.put(family + ".expert_count", shape.experts());
        metadata.put(family + ".expert_used_count", shape.expertsPerToken());
        metadata.put(family + ".vocab_size", shape.vocabulary());
        metadata.putAll(new SmallVocabulary(shape.vocabulary()).metadata());
        return metadata;
    }

    private void addTensors() {
        int hidden = shape.hidden();
        int experts = shape.experts();
        int expertHidden = shape.expertHidden();
        add("token_embd", routing.tableType(), routing.embedding(), shape.vocabulary(), hidden);
        for (int layer = 0; layer < shape.layers(); layer++) {
            String block = "blk." + layer + ".";
            addNorm(block + "attn_norm");
            for (String projection : List.of("attn_q", "attn_k", "attn_v")) {
                addMatrix(block + projection, dtype, 1, hidden, hidden);
            }
            addMatrix(block + "attn_output", dtype, routing.addedShare(), hidden, hidden);
            if (routing.hasHeadNorms()) {
                addNorm(block + "attn_q_norm");
                addNorm(block + "attn_k_norm");
            }
            addNorm(block + "ffn_norm");
            addMatrix(block + "ffn_gate_inp", DType.F32, routing.routerDeviation(), experts, hidden);
            addMatrix(block + "ffn_gate_exps", dtype, 1, experts, expertHidden, hidden);
            addMatrix(block + "ffn_up_exps", dtype, 1, experts, expertHidden, hidden);
            addMatrix(block + "ffn_down_exps", dtype, routing.addedShare(), experts, hidden, expertHidden);
        }
        addNorm("output_norm");
        add("output", routing.tableType(), routing.output(), shape.vocabulary(), hidden);
    }

    private void addNorm(String name) {
        add(name, DType.F32, (_, blocks) -> fillWithOnes(blocks), shape.hidden());
    }

    /// Adds a matrix by which a vector's size is multiplied with `gain`.
    private void addMatrix(String name, DType type, double gain, long... dimensions) {
        double deviation = gain / Math.sqrt((double) dimensions[dimensions.length - 1]);
        add(name, type, (_, blocks) -> random.fill(type, deviation, blocks), dimensions);
    }

    private void add(String name, DType type, Routing.Rows rows, long... dimensions) {
        tensors.add(new Tensor(Entry.of(name + ".weight", type, dimensions), type, rows));
    }
}
