package io.moetier.storage.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.SafetensorsWriter.Entry;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PackedInt4Test {
    private static final int ROWS = 70;
    private static final int COLS = 4096;
    private static final String WEIGHTS =
            "\"num_bits\":4,\"type\":\"int\",\"symmetric\":true,\"strategy\":\"group\",\"group_size\":64,\"actorder\":null";

    @TempDir
    Path directory;

    /// More blocks than are read at once.
    @ParameterizedTest
    @ValueSource(ints = {64, COLS})
    void aMatrixIsReadAsTheNumbersThatItStandsFor(int size) throws IOException {
        boolean byRow = size == COLS;
        String weights = byRow ? WEIGHTS.replace("\"group\"", "\"channel\"").replace("64", "null") : WEIGHTS;
        int[] numbers = new int[ROWS * COLS];
        Arrays.setAll(numbers, i -> (i * 7 + i / 13) % 16 - 8);
        float[] factors = new float[numbers.length / size];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = (1 + i % 97 / 128f) * Math.scalb(1f, -i % 11 - 3);
        }
        float[] expected = new float[numbers.length];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = numbers[i] * factors[i / size];
        }
        try (Checkpoint checkpoint = Checkpoint.open(write(weights, numbers, factors));
                Arena arena = Arena.ofConfined()) {
            TensorInfo tensor = checkpoint.require("a.weight", ROWS, COLS);
            assertEquals(DType.Q4_0, tensor.dtype());
            assertEquals(DType.Q4_0.bytes((long) ROWS * COLS), tensor.byteLength());
            assertEquals(tensor.byteLength(), checkpoint.totalBytes());
            assertTrue(checkpoint.has("a.weight"));
            assertArrayEquals(expected, checkpoint.readFloats(tensor));
            MemorySegment whole = arena.allocate(tensor.byteLength());
            checkpoint.read(tensor, 0, whole);
            MemorySegment part = arena.allocate(18 * 5);
            checkpoint.read(tensor, 18 * 130, part);
            assertEquals(-1, part.mismatch(whole.asSlice(18 * 130, part.byteSize())));
            assertThrows(IllegalArgumentException.class, () -> checkpoint.read(tensor, 2, part));
        }
    }

    /// As its nearest; 2^-17 and its seven digits are exact.
    @Test
    void aFactorIsThatOfBlocks() throws IOException {
        float[] factors = {Math.scalb(1 + 127 / 128f, -17), 1 + 0x1p-11f + 0x1p-20f};
        int[] ones = new int[64 * 2];
        Arrays.fill(ones, 1);
        try (Checkpoint checkpoint = Checkpoint.open(write(WEIGHTS, ones, factors, 2, 64, "F32"))) {
            float[] found = checkpoint.readFloats(checkpoint.require("a.weight", 2, 64));
            assertArrayEquals(new float[] {factors[0], 1 + 0x1p-10f}, new float[] {found[0], found[64]});
        }
    }

    @Test
    void aFactorThatNoBlockCanHaveIsRefused() throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(write(WEIGHTS, new int[64], new float[] {65536}, 1, 64, "BF16"))) {
            TensorInfo tensor = checkpoint.require("a.weight", 1, 64);
            assertEquals(
                    weights() + ": tensor a.weight_scale: expected factors that are numbers of float16, found 65536.0",
                    refusal(() -> checkpoint.readFloats(tensor)));
        }
    }

    @Test
    void tensorsThatAreNotAsTheyShouldBeAreRefused() throws IOException {
        write(WEIGHTS, new int[128], new float[2], 2, 64, "BF16");
        assertRefused(2, 96, "tensor a.weight_packed: expected I32 [2, 12], found I32 [2, 8]");
        assertRefused(
                2, 40, "tensor a.weight_packed: expected a matrix whose rows are whole blocks of 32, found [2, 40]");
        write(WEIGHTS, new int[128], new float[4], 2, 64, "BF16");
        assertRefused(2, 64, "tensor a.weight_scale: expected BF16 [2, 1], found BF16 [2, 2]");
        write(WEIGHTS, new int[128], new float[2], 2, 64, "I32");
        assertRefused(2, 64, "tensor a.weight_scale: expected F32, BF16 or F16 [2, 1], found I32 [2, 1]");
        write(WEIGHTS, Entry.of("a.weight_packed", "U8", 2, 32));
        assertRefused(2, 64, "tensor a.weight_packed: expected I32 [2, 8], found U8 [2, 32]");
        write(WEIGHTS, Entry.of("a.weight_packed", "I32", 2, 8));
        assertRefused(2, 64, "tensor a.weight_packed: expected its factors in a.weight_scale, found no such tensor");
        write(WEIGHTS, Entry.of("a.weight_packed", "I32", 2, 8), Entry.of("a.weight_g_idx", "I32", 64));
        assertRefused(2, 64, "tensor a.weight: expected codes and factors alone, found a.weight_g_idx");
    }

    /// Before there are weights, and of those that are there.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"num_bits\":4 | \"num_bits\":8 | num_bits: expected 4, | 8",
                "\"int\" | \"float\" | type: expected int, | float",
                "true | false | symmetric: expected true, | false",
                "\"group\" | \"channel\" | strategy: expected group, | channel",
                "\"group\" | \"tensor\" | strategy: expected group, | tensor",
                ":64 | :-1 | strategy: expected channel, | group",
                ":64 | :48 | group_size: expected a multiple of 32 | 48",
                ":null | :\"group\" | actorder: expected false or weight or static, | group",
            })
    void otherWaysToPackAreRefusedByTheirField(String part, String other, String expected, String found)
            throws IOException {
        String weights = WEIGHTS.replace(part, other);
        String config = config(weights);
        String message = refusal(() -> header(config));
        assertTrue(
                message.contains("quantization_config.config_groups.group_0.weights." + expected)
                        && message.endsWith("found " + found),
                message);
        write(weights, new int[128], new float[2], 2, 64, "BF16");
        assertRefused(2, 64, expected);
    }

    @ParameterizedTest
    @CsvSource({
        "nvfp4-pack-quantized, {}, {}, format",
        "marlin-24-packed, {}, {}, format",
        "pack-quantized, '{\"format\":\"sparse-24-bitmask\"}', {}, sparsity_config.format",
        "pack-quantized, {}, '{\"config_groups\":{\"R4\":{}}}', transform_config.config_groups",
        "float-quantized, {}, '{\"config_groups\":{\"R4\":{}}}', transform_config.config_groups"
    })
    void otherFormatsAreRefusedByTheirField(String format, String sparsity, String transform, String field) {
        String config = config(WEIGHTS)
                .replace("pack-quantized", format)
                .replace(
                        "\"ignore\"",
                        "\"sparsity_config\":" + sparsity + ",\"transform_config\":" + transform + ",\"ignore\"");
        String message = refusal(() -> header(config));
        assertTrue(message.contains(": quantization_config." + field + ": expected "), message);
    }

    @Test
    void aHeaderOfPackedWeightsIsThatOfOnesThatAreRead() {
        header(config(WEIGHTS));
        header(config(WEIGHTS.replace("\"strategy\":\"group\",", "")));
        header("{\"text_config\":" + config(WEIGHTS.replace("null", "\"static\"")) + "}");
    }

    private static void header(String config) {
        Checkpoint.requireUnquantised(json(config), json("{\"a.weight_packed\":{\"dtype\":\"I32\"}}"));
    }

    private static JsonObject json(String text) {
        return Json.parseObject(text.getBytes(StandardCharsets.UTF_8), Path.of("config.json"));
    }

    private static String config(String weights) {
        return "{\"quantization_config\":{\"quant_method\":\"compressed-tensors\",\"format\":\"pack-quantized\","
                + "\"config_groups\":{\"group_0\":{\"targets\":[\"Linear\"],\"weights\":{" + weights + "}}},"
                + "\"ignore\":[\"lm_head\"]}}";
    }

    private Path write(String weights, int[] numbers, float[] factors) throws IOException {
        return write(weights, numbers, factors, ROWS, COLS, "BF16");
    }

    private Path write(String weights, int[] numbers, float[] factors, int rows, int cols, String dtype)
            throws IOException {
        ByteBuffer codes = ByteBuffer.allocate(numbers.length / 2).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < numbers.length; i += 8) {
            int packed = 0;
            for (int j = 0; j < 8; j++) {
                packed |= (numbers[i + j] + 8) << (4 * j);
            }
            codes.putInt(packed);
        }
        ByteBuffer scales = ByteBuffer.allocate(factors.length * (dtype.equals("BF16") ? 2 : 4))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (float factor : factors) {
            if (dtype.equals("BF16")) {
                scales.putShort((short) (Float.floatToRawIntBits(factor) >>> 16));
            } else {
                scales.putFloat(factor);
            }
        }
        Files.writeString(directory.resolve("config.json"), config(weights));
        List<Entry> entries = List.of(
                Entry.of("a.weight_packed", "I32", rows, cols / 8),
                Entry.of("a.weight_scale", dtype, rows, factors.length / rows),
                Entry.of("a.weight_shape", "I64", 2));
        try (SafetensorsWriter writer = SafetensorsWriter.create(weights(), entries, Map.of())) {
            writer.write("a.weight_packed", MemorySegment.ofArray(codes.array()));
            writer.write("a.weight_scale", MemorySegment.ofArray(scales.array()));
            writer.write("a.weight_shape", MemorySegment.ofArray(new byte[16]));
        }
        return directory;
    }

    private void write(String weights, Entry... entries) throws IOException {
        Files.writeString(directory.resolve("config.json"), config(weights));
        try (SafetensorsWriter writer = SafetensorsWriter.create(weights(), List.of(entries), Map.of())) {
            for (Entry entry : entries) {
                writer.write(entry.name(), MemorySegment.ofArray(new byte[(int) entry.byteLength()]));
            }
        }
    }

    private void assertRefused(long rows, long cols, String expected) {
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            String message = refusal(() -> checkpoint.require("a.weight", rows, cols));
            assertTrue(message.contains(expected), message);
        }
    }

    private Path weights() {
        return directory.resolve("model.safetensors");
    }

    private static String refusal(Executable action) {
        return String.valueOf(
                assertThrows(MalformedModelException.class, action).getMessage());
    }
}
