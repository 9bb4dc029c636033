package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.TinyGguf;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.format.GgmlType;
import io.moetier.storage.model.DType;
import io.moetier.testdata.TestData;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Models whose matrices are of every type that has blocks, from the file to the tokens.
class WeightTypesTest {
    /// Those with blocks.
    private static final List<DType> TYPES =
            Stream.of(DType.values()).filter(dtype -> dtype.blockElements() > 1).toList();

    private static final int HIDDEN = 256;
    private static final List<String> MATRICES =
            List.of("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps");

    /// The first blocks of each type are random, with scales of usual sizes.
    private static final int SANE_BLOCKS = 3;

    private static final Map<DType, byte[]> BLOCKS = new EnumMap<>(DType.class);

    @TempDir
    Path directory = Path.of("");

    @BeforeAll
    static void readBlocks() throws IOException {
        try (DataInputStream file =
                new DataInputStream(new GZIPInputStream(Files.newInputStream(TestData.quantisedBlocks())))) {
            for (int i = 0; i < TYPES.size(); i++) {
                String label = new String(file.readNBytes(8), StandardCharsets.US_ASCII).strip();
                DType dtype = DType.valueOf(label.toUpperCase(Locale.ROOT));
                int count = Integer.reverseBytes(file.readInt());
                byte[] blocks = file.readNBytes(SANE_BLOCKS * dtype.blockBytes());
                for (int at = 0; dtype == DType.MXFP4 && at < blocks.length; at += dtype.blockBytes()) {
                    blocks[at] = 120; // an exponent
                }
                BLOCKS.put(dtype, blocks);
                file.skipNBytes((long) (count - SANE_BLOCKS) * dtype.blockBytes()
                        + (long) Float.BYTES * count * dtype.blockElements());
            }
        }
    }

    @Test
    void everyTypeIsShownAndComputesTheSameOnEveryBackend() throws IOException {
        int models = (TYPES.size() + MATRICES.size() - 1) / MATRICES.size();
        for (int model = 0; model < models; model++) {
            TinyGguf gguf = new TinyGguf(HIDDEN, GgmlType.Q8_0);
            fillEmbedding(gguf);
            List<DType> types = new ArrayList<>();
            for (int i = 0; i < MATRICES.size(); i++) {
                DType dtype = TYPES.get((model * MATRICES.size() + i) % TYPES.size());
                types.add(dtype);
                fill(gguf, "blk.0." + MATRICES.get(i) + ".weight", dtype);
            }
            Path file = gguf.write(directory.resolve("types-" + model + ".gguf"));
            String shown = answer("inspect", file.toString());
            types.forEach(dtype -> assertTrue(shown.contains(dtype.label() + " ("), () -> dtype + ": " + shown));
            String ids = answer("run", file.toString(), "--ids", "1,5,3", "-n", "6", "--kernels", "plain");
            assertEquals(6, ids.strip().split("[, ]+").length, ids);
            assertEquals(ids, answer("run", file.toString(), "--ids", "1,5,3", "-n", "6", "--kernels", "vector"));
            assertEquals(ids, answer("run", file.toString(), "--ids", "1,5,3", "-n", "6", "--device", "emulated"));
            answer("run", file.toString(), "--ids", "1,5,3", "-n", "6");
        }
    }

    /// Rows that differ, so that tokens do.
    private static void fillEmbedding(TinyGguf gguf) {
        MemorySegment values = MemorySegment.ofArray(new float[8 * HIDDEN]);
        Random random = new Random(3);
        for (int i = 0; i < 8 * HIDDEN; i++) {
            values.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i, (float) random.nextGaussian());
        }
        gguf.fill("token_embd.weight", GgmlType.F32, bytes(values));
        gguf.fill("output_norm.weight", GgmlType.F32, bytes(MemorySegment.ofArray(new float[] {1})));
        for (String norm : List.of("attn_norm", "ffn_norm")) { // small, as some weights are large
            gguf.fill("blk.0." + norm + ".weight", GgmlType.F32, bytes(MemorySegment.ofArray(new float[] {0.001f})));
        }
        gguf.fill("blk.0.ffn_gate_inp.weight", GgmlType.F32, bytes(values.asSlice(0, 4L * 2 * HIDDEN)));
    }

    private static MemorySegment bytes(MemorySegment floats) {
        return MemorySegment.ofArray(floats.toArray(ValueLayout.JAVA_BYTE));
    }

    private static void fill(TinyGguf gguf, String name, DType dtype) {
        gguf.fill(name, GgmlType.of(dtype), MemorySegment.ofArray(Objects.requireNonNull(BLOCKS.get(dtype))));
    }

    @Test
    void aFileThatEndsWithinATensorIsRefused() throws IOException {
        for (DType dtype : TYPES) {
            TinyGguf gguf = new TinyGguf(HIDDEN, GgmlType.Q8_0);
            fill(gguf, "blk.0.ffn_down_exps.weight", dtype);
            Path file = gguf.write(directory.resolve("short.gguf"));
            try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
                open.setLength(open.length() - 33);
            }
            String sentence = refusal(file);
            assertTrue(sentence.contains(file + ": tensor blk.0.ffn_down_exps.weight: expected "), sentence);
        }
    }

    @Test
    void rowsThatAreNoWholeBlocksAreRefused() throws IOException {
        Path file = directory.resolve("rows.gguf");
        Path sound = new TinyGguf(HIDDEN, GgmlType.Q8_0).write(file);
        byte[] bytes = Files.readAllBytes(sound);
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int at = text.indexOf("blk.0.attn_q.weight") + "blk.0.attn_q.weight".length() + 4;
        bytes[at] = 32; // the length of rows, of 256
        bytes[at + 1] = 0;
        for (DType dtype : TYPES) {
            if (dtype.blockElements() > 32) {
                bytes[at + 16] = (byte) GgmlType.of(dtype).id();
                Files.write(file, bytes);
                String sentence = refusal(file);
                assertTrue(sentence.contains("blk.0.attn_q.weight"), sentence);
                assertTrue(sentence.contains(String.valueOf(dtype.blockElements())), sentence);
            }
        }
    }

    private String answer(String... args) {
        CommandLineRun run = CommandLineRun.inProcess(directory.resolve("cache"), args);
        assertEquals(Failure.OK, run.exitCode(), run::err);
        return run.out();
    }

    private String refusal(Path file) {
        CommandLineRun run = CommandLineRun.inProcess(directory.resolve("cache"), "inspect", file.toString());
        assertNotEquals(Failure.OK, run.exitCode(), run::out);
        assertEquals(1, run.err().lines().count(), run::err);
        return run.err();
    }
}
