package io.moetier.runtime.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.GatedDeltaSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.GgufWriter;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImportanceTest {
    private static final int LAYERS = 8;
    private static final int EXPERTS = 16;
    private static final int HIDDEN = 256;
    private static final int WIDTH = 128;

    @TempDir
    Path directory = Path.of("");

    private final Map<String, float[]> means = new LinkedHashMap<>();
    private int numExperts = EXPERTS;
    private float firstCount = 3;

    /// Means that tell matrix, expert and column.
    private static float[] ramp(int matrices, int cols) {
        float[] ramp = new float[matrices * cols];
        for (int i = 0; i < ramp.length; i++) {
            ramp[i] = 1 + i / cols + i % cols / (float) cols;
        }
        return ramp;
    }

    private ImportanceTest tinyMixtral() {
        return model(LAYERS, HIDDEN, WIDTH);
    }

    private ImportanceTest model(int layers, int hidden, int width) {
        for (int layer = 0; layer < layers; layer++) {
            means.put("blk." + layer + ".attn_q.weight", ramp(1, hidden));
            means.put("blk." + layer + ".ffn_gate_exps.weight", ramp(numExperts, hidden));
            means.put("blk." + layer + ".ffn_up_exps.weight", ramp(numExperts, hidden));
            means.put("blk." + layer + ".ffn_down_exps.weight", ramp(numExperts, width));
        }
        return this;
    }

    /// Sums of as many rows as the number of the expert says, and 3 more; of expert 5 none.
    private Path gguf() throws IOException {
        List<GgufWriter.Entry> entries = new ArrayList<>();
        means.forEach((name, values) -> {
            int experts = name.contains("exps") ? numExperts : 1;
            entries.add(GgufWriter.Entry.of(name + ".in_sum2", DType.F32, experts, values.length / experts));
            entries.add(GgufWriter.Entry.of(name + ".counts", DType.F32, experts, 1));
        });
        Path file = directory.resolve("imatrix.gguf");
        try (GgufWriter writer = GgufWriter.create(file, Map.of("general.type", "imatrix"), entries)) {
            for (Map.Entry<String, float[]> entry : means.entrySet()) {
                int experts = entry.getKey().contains("exps") ? numExperts : 1;
                float[] sums = entry.getValue().clone();
                float[] counts = new float[experts];
                int cols = sums.length / experts;
                for (int e = 0; e < experts; e++) {
                    counts[e] = e == 5 ? 0 : e + firstCount;
                    for (int i = 0; i < cols; i++) {
                        sums[e * cols + i] *= counts[e];
                    }
                }
                writer.write(entry.getKey() + ".in_sum2", bytes(sums));
                writer.write(entry.getKey() + ".counts", bytes(counts));
            }
        }
        return file;
    }

    private static MemorySegment bytes(float[] floats) {
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * floats.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(floats);
        return MemorySegment.ofArray(bytes.array());
    }

    /// The list of before August 2025, with sums of seven calls.
    private Path list() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(means.size());
        means.forEach((name, values) -> {
            bytes.putInt(name.length()).put(name.getBytes(StandardCharsets.UTF_8));
            bytes.putInt(7).putInt(values.length);
            for (float value : values) {
                bytes.putFloat(7 * value);
            }
        });
        byte[] written = new byte[bytes.putInt(7).putInt(1).put((byte) 'x').position()];
        bytes.flip().get(written);
        return Files.write(directory.resolve("imatrix.dat"), written);
    }

    private static ModelSpec spec() {
        try (ModelSource source = ModelSource.open(TestData.tinyMixtral())) {
            return source.spec();
        }
    }

    @Test
    void findsTheColumnsOfEachMatrixByItsRole() throws IOException {
        tinyMixtral();
        ModelSpec spec = spec();
        for (Path file : List.of(gguf(), list())) {
            Importance importance = Importance.read(file, spec);
            LinearSpec down = spec.moeLayers().get(3).experts().get(7).down();
            assertArrayEquals(scaled(8, WIDTH), importance.of(down), 1e-5f);
            LinearSpec up = spec.moeLayers().get(7).experts().get(15).up();
            assertArrayEquals(scaled(16, HIDDEN), importance.of(up), 1e-5f);
            assertNull(importance.of(spec.embedding().table()));
            LinearSpec query = spec.denseLinears().stream()
                    .filter(linear -> linear.weight().contains("layers.2.self_attn.q_proj"))
                    .findFirst()
                    .orElseThrow();
            assertArrayEquals(scaled(1, HIDDEN), importance.of(query), 1e-5f);
        }
    }

    private static float[] scaled(int first, int cols) {
        float[] expected = new float[cols];
        float mean = first + (cols - 1) / 2f / cols;
        for (int i = 0; i < cols; i++) {
            expected[i] = (first + i / (float) cols) / mean;
        }
        return expected;
    }

    @Test
    void anExpertThatWasNeverChosenIsRoundedPlainly() throws IOException {
        tinyMixtral();
        ModelSpec spec = spec();
        Importance importance = Importance.read(gguf(), spec);
        assertNull(importance.of(spec.moeLayers().getFirst().experts().get(5).up()));
        assertNull(importance.of(spec.moeLayers().getLast().experts().get(5).down()));
        assertEquals(
                Optional.of("imatrix.gguf weighs the columns of 368 of 425 matrices; it has not seen 8 of 128 experts;"
                        + " it leaves out model.embed_tokens.weight and 32 more"),
                importance.summary());
    }

    @Test
    void whatIsNotOfTheModelIsToldInTheSummary() throws IOException {
        tinyMixtral().means.put("blk.8.attn_q.weight", ramp(1, HIDDEN));
        String summary = Importance.read(list(), spec()).summary().orElseThrow();
        assertTrue(summary.endsWith("; not of this model: blk.8.attn_q.weight"), summary);
    }

    /// Values of a GGUF file take the heads of keys in turns, and so do the columns behind them.
    @Test
    void columnsInAnotherOrderAreLeftOut() throws IOException {
        numExperts = 10;
        for (int layer = 0; layer < 3; layer++) {
            means.put("blk." + layer + ".ffn_gate_up_exps.weight", ramp(numExperts, 64));
            means.put("blk." + layer + ".ffn_down_exps.weight", ramp(numExperts, 32));
        }
        means.put("blk.0.attn_gate.weight", ramp(1, 64));
        means.put("blk.0.ssm_out.weight", ramp(1, 64));
        try (ModelSource source = ModelSource.open(TestData.golden("qwen3_5_moe"))) {
            Importance importance = Importance.read(list(), source.spec());
            GatedDeltaSpec delta =
                    source.spec().blocks(GatedDeltaSpec.class).findFirst().orElseThrow();
            assertArrayEquals(scaled(1, 64), importance.of(delta.gate().linear()), 1e-5f);
            assertNull(importance.of(delta.projections().output()));
            DenseSpec expert = source.spec().moeLayers().get(2).experts().get(7);
            assertArrayEquals(scaled(8, 64), importance.of(expert.gate().orElseThrow()), 1e-5f);
            assertArrayEquals(scaled(8, 64), importance.of(expert.up()), 1e-5f);
            assertFalse(importance.summary().orElseThrow().contains("not of this model"));
        }
    }

    @Test
    void storesOfDifferentImportancesAreTold() throws IOException {
        tinyMixtral();
        String first = Importance.read(gguf(), spec()).suffix();
        assertEquals(first, Importance.read(gguf(), spec()).suffix());
        Objects.requireNonNull(means.get("blk.1.attn_q.weight"))[3] = 9;
        assertNotEquals(first, Importance.read(gguf(), spec()).suffix());
        assertEquals("", Importance.NONE.suffix());
    }

    @Test
    void whatDoesNotBelongToTheModelIsRefused() throws IOException {
        tinyMixtral().means.remove("blk.2.ffn_up_exps.weight");
        refused(gguf(), ": entry blk.2.ffn_up_exps.weight: expected that of this model's experts, found none");
        tinyMixtral().means.put("blk.0.ffn_down_exps.weight", ramp(EXPERTS, 64));
        String columns = ": entry blk.0.ffn_down_exps.weight: expected 16 x 128 columns, as this model has, found 1024";
        refused(gguf(), columns);
        refused(list(), columns);
        tinyMixtral();
        numExperts = 8; // of which each has the columns of two
        refused(
                gguf(),
                ": entry blk.0.ffn_gate_exps.weight: expected counts of 16 matrices, as this model has, found 8");
    }

    @Test
    void whatCannotBeIsRefused() throws IOException {
        float[] query = Objects.requireNonNull(tinyMixtral().means.get("blk.1.attn_q.weight"));
        for (float value : new float[] {Float.NaN, -1, Float.POSITIVE_INFINITY}) {
            query[3] = value;
            refused(list(), ": entry blk.1.attn_q.weight: expected mean squares, 0 or more, found " + value);
            refused(gguf(), ": entry blk.1.attn_q.weight: expected mean squares, 0 or more, found " + value);
        }
        tinyMixtral();
        for (float count : new float[] {Float.NaN, -3}) {
            firstCount = count;
            refused(gguf(), ": tensor blk.0.attn_q.weight.counts: expected numbers of rows, 0 or more, found " + count);
        }
    }

    @Test
    void whatIsNoImportanceMatrixIsRefused() throws IOException {
        Path file = directory.resolve("other.dat");
        Path none = directory.resolve("none");
        assertEquals(none + ": no such file", refusal(none));
        Files.writeString(file, "a text that is no matrix");
        refused(file, ": entries: expected an importance matrix, with 1 to 1048576, found ");
        byte[] bytes = Files.readAllBytes(tinyMixtral().list());
        for (int length : new int[] {0, 3, 4, 7, 8, 9, 26, 30, 34, 35, bytes.length / 2, bytes.length - 20}) {
            Files.write(file, Arrays.copyOf(bytes, length));
            refused(file, ": is no importance matrix, or ends early");
        }
        Path gguf = directory.resolve("model.gguf");
        try (GgufWriter writer =
                GgufWriter.create(gguf, Map.of("general.type", "x"), List.of(GgufWriter.Entry.of("a", DType.F32, 1)))) {
            writer.write("a", bytes(new float[1]));
        }
        refused(gguf, ": tensors: expected an importance matrix, with NAME.in_sum2, found none of these");
    }

    @Test
    void aStoreSaysWhichMatrixItWasRoundedBy() throws IOException {
        numExperts = 8;
        model(2, 64, 96);
        Path plain = directory.resolve("plain.mtier");
        Path weighed = directory.resolve("weighed.mtier");
        Quantisation quantisation = new Quantisation(Rounding.Q4_0, Rounding.KEEP);
        try (ModelSource source = ModelSource.open(TestData.golden("mixtral"))) {
            new CheckpointImporter(source, quantisation).run(plain, false, _ -> {});
            Importance importance = Importance.read(gguf(), source.spec());
            new CheckpointImporter(source, quantisation, importance, Optional.empty()).run(weighed, false, _ -> {});
            JsonObject description = StoreManifest.read(weighed).description();
            assertEquals("imatrix.gguf", description.requireString("importance"));
            assertEquals(
                    StoreManifest.read(plain).description().requireString("fingerprint") + importance.suffix(),
                    description.requireString("fingerprint"));
        }
        Path experts = Path.of("experts-0.cm3");
        assertNotEquals(-1, Files.mismatch(plain.resolve(experts), weighed.resolve(experts)));
    }

    @Test
    void moreThanTheHeapHasRoomForIsRefused() throws IOException {
        Path file = tinyMixtral().gguf();
        MalformedModelException refused =
                assertThrows(MalformedModelException.class, () -> Importance.read(file, spec(), 20_000));
        String message = String.valueOf(refused.getMessage());
        assertTrue(
                message.startsWith(
                        file + ": entries: expected at most 20000 bytes, as the Java heap has room for, found"),
                message);
    }

    /// Large means that can be read are no infinite importance.
    @Test
    void largeMeansAreWeighedAsSmallOnes() throws IOException {
        tinyMixtral();
        float[] ramp = Objects.requireNonNull(means.get("blk.1.attn_q.weight"));
        LinearSpec query = spec().denseLinears().stream()
                .filter(linear -> linear.weight().equals("model.layers.1.self_attn.q_proj.weight"))
                .findFirst()
                .orElseThrow();
        float[] expected = Importance.read(list(), spec()).of(query);
        for (int i = 0; i < ramp.length; i++) {
            ramp[i] *= 0x1p120f;
        }
        assertArrayEquals(expected, Importance.read(list(), spec()).of(query), 1e-6f);
    }

    @Test
    void modelsThatSeeHaveTheNamesOfTheirLanguageModels() {
        for (String name : TestData.GOLDEN_IMAGE_CASES) {
            try (ModelSource source = ModelSource.open(TestData.golden(name))) {
                assertTrue(Families.ggufNames(source.spec(), _ -> false).isPresent(), name);
            }
        }
    }

    /// llama.cpp multiplies the groups of heads of DeepSeek-V4 each for itself.
    @Test
    void groupsOfOutputsAreAStack() {
        try (ModelSource source = ModelSource.open(TestData.golden("deepseek_v4"))) {
            Map<String, String> names =
                    Families.ggufNames(source.spec(), _ -> false).orElseThrow();
            assertEquals("blk.0.attn_output_a.weight[1]", names.get("layers.0.attn.wo_a.1.weight"));
            assertEquals("blk.0.ffn_gate_tid2eid.weight", names.get("layers.0.ffn.gate.tid2eid"));
            assertEquals("output_hc_fn.weight", names.get("hc_head_fn"));
        }
    }

    private static void refused(Path file, String sentence) {
        String found = refusal(file);
        assertTrue(found.startsWith(file + sentence), found);
    }

    private static String refusal(Path file) {
        return String.valueOf(assertThrows(MalformedModelException.class, () -> Importance.read(file, spec()))
                .getMessage());
    }
}
