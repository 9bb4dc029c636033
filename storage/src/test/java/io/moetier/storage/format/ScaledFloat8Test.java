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
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScaledFloat8Test {
    private static final int ROWS = 300; // two whole blocks and a part of one
    private static final int COLS = 200; // one and a part

    @TempDir
    Path directory = Path.of("");

    private static byte[] codes() {
        byte[] codes = new byte[ROWS * COLS];
        for (int i = 0; i < codes.length; i++) {
            int code = i * 7 % 256;
            codes[i] = (byte) ((code & 0x7F) == 0x7F ? 0 : code);
        }
        return codes;
    }

    /// Writes a checkpoint whose factors are these, one for each block in the order of rows.
    private Path write(byte[] codes, String config, long[] scalesShape, float... scales) throws IOException {
        Files.writeString(directory.resolve("config.json"), config);
        List<Entry> entries = List.of(
                Entry.of("a.weight", "F8_E4M3", ROWS, COLS), Entry.of("a.weight_scale_inv", "F32", scalesShape));
        try (SafetensorsWriter writer =
                SafetensorsWriter.create(directory.resolve("model.safetensors"), entries, Map.of())) {
            writer.write("a.weight", MemorySegment.ofArray(codes));
            writer.write("a.weight_scale_inv", scales);
        }
        return directory;
    }

    /// What the paper's table of the format says.
    private static double value(byte code) {
        int exponent = (code & 0x78) >> 3;
        double fraction = (code & 7) / 8.0;
        double size = exponent == 0 ? fraction * Math.pow(2, -6) : (1 + fraction) * Math.pow(2, exponent - 7);
        return code < 0 ? -size : size;
    }

    @Test
    void everyElementIsItsValueTimesTheFactorOfItsBlock() throws IOException {
        float[] scales = {1, 0.001f, 3e-5f, 7, 0.3333333f, 2e10f};
        byte[] codes = codes();
        try (Checkpoint checkpoint = Checkpoint.open(write(codes, "{}", new long[] {3, 2}, scales))) {
            TensorInfo tensor = checkpoint.require("a.weight", ROWS, COLS);
            assertEquals(DType.BF16, tensor.dtype());
            assertEquals(2L * ROWS * COLS, checkpoint.totalBytes());
            float[] found = checkpoint.readFloats(tensor);
            for (int row = 0; row < ROWS; row++) {
                for (int col = 0; col < COLS; col++) {
                    double exact = value(codes[row * COLS + col]) * scales[row / 128 * 2 + col / 128];
                    // half a unit in the last of eight binary digits at most, and the rounding of the product to
                    // float32
                    assertEquals(exact, found[row * COLS + col], Math.abs(exact) * (0x1p-8 + 0x1p-24));
                }
            }
        }
    }

    @Test
    void productsAreRoundedToTheNearestEvenBfloat16() throws IOException {
        byte[] codes = new byte[ROWS * COLS];
        codes[0] = 0x38; // 1
        codes[1] = (byte) 0xB8; // -1
        for (float[] c : new float[][] {{0x1.01p0f, 1}, {0x1.03p0f, 0x1.04p0f}, {0x1.010002p0f, 0x1.02p0f}}) {
            Path path = write(codes, "{}", new long[] {3, 2}, c[0], 1, 1, 1, 1, 1);
            try (Checkpoint checkpoint = Checkpoint.open(path)) {
                float[] found = checkpoint.readFloats(checkpoint.require("a.weight", ROWS, COLS));
                assertEquals(c[1], found[0]);
                assertEquals(-c[1], found[1]);
                assertEquals(0f, found[2]);
            }
        }
    }

    @Test
    void anyPartReadsAsItDoesInTheWhole() throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(write(codes(), "{}", new long[] {3, 2}, 1, 2, 3, 4, 5, 6));
                Arena arena = Arena.ofConfined()) {
            TensorInfo tensor = checkpoint.require("a.weight", ROWS, COLS);
            MemorySegment whole = arena.allocate(tensor.byteLength());
            checkpoint.read(tensor, 0, whole);
            for (long[] part : new long[][] {{0, 2}, {2 * 127 * COLS, 4 * COLS}, {2 * 255 * COLS + 254, 1000}}) {
                MemorySegment read = arena.allocate(part[1]);
                checkpoint.read(tensor, part[0], read);
                assertArrayEquals(
                        whole.asSlice(part[0], part[1]).toArray(ValueLayout.JAVA_BYTE),
                        read.toArray(ValueLayout.JAVA_BYTE));
            }
            assertThrows(IllegalArgumentException.class, () -> checkpoint.read(tensor, 1, arena.allocate(2)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"%s", "{\"text_config\": %s}"})
    void theConfigurationSaysTheSizeOfBlocks(String of) throws IOException {
        String config = of.formatted("{\"quantization_config\": {\"weight_block_size\": [300, 50]}}");
        byte[] ones = new byte[ROWS * COLS];
        Arrays.fill(ones, (byte) 0x38);
        try (Checkpoint checkpoint = Checkpoint.open(write(ones, config, new long[] {1, 4}, 1, 2, 3, 4))) {
            float[] found = checkpoint.readFloats(checkpoint.require("a.weight", ROWS, COLS));
            assertArrayEquals(
                    new float[] {1, 2, 3, 4}, new float[] {found[49], found[50], found[149], found[COLS - 1]});
        }
    }

    /// As MiniMax-M3 has them in MXFP8, one for 32 columns.
    @Test
    void factorsMayBeExponents() throws IOException {
        String config = "{\"quantization_config\":{\"quant_method\":\"mxfp8\"}}";
        Files.writeString(directory.resolve("config.json"), config);
        byte[] ones = new byte[2 * 64];
        Arrays.fill(ones, (byte) 0x38);
        List<Entry> entries =
                List.of(Entry.of("a.weight", "F8_E4M3", 2, 64), Entry.of("a.weight_scale_inv", "U8", 2, 2));
        try (SafetensorsWriter writer =
                SafetensorsWriter.create(directory.resolve("model.safetensors"), entries, Map.of())) {
            writer.write("a.weight", MemorySegment.ofArray(ones));
            writer.write("a.weight_scale_inv", MemorySegment.ofArray(new byte[] {127, (byte) 128, 126, 127}));
        }
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            float[] found = checkpoint.readFloats(checkpoint.require("a.weight", 2, 64));
            assertArrayEquals(new float[] {1, 2, 0.5f, 1}, new float[] {found[31], found[32], found[64], found[127]});
        }
    }

    /// As GLM-4.5 has them (one for each row), and Nemotron 3 (one for all).
    @ParameterizedTest
    @ValueSource(strings = {"[2, 1]", "[2]", "[1]", "[]"})
    void factorsMayBeOfRowsOrOfAll(String shape) throws IOException {
        Files.writeString(directory.resolve("config.json"), "{}");
        byte[] ones = new byte[2 * 64];
        Arrays.fill(ones, (byte) 0x38);
        long[] dimensions = Arrays.stream(shape.replaceAll("[\\[\\] ]", "").split(","))
                .filter(length -> !length.isEmpty())
                .mapToLong(Long::parseLong)
                .toArray();
        boolean one = !shape.contains("2");
        List<Entry> entries =
                List.of(Entry.of("a.weight", "F8_E4M3", 2, 64), Entry.of("a.weight_scale", "F32", dimensions));
        try (SafetensorsWriter writer =
                SafetensorsWriter.create(directory.resolve("model.safetensors"), entries, Map.of())) {
            writer.write("a.weight", MemorySegment.ofArray(ones));
            writer.write("a.weight_scale", one ? new float[] {4} : new float[] {4, 0.5f});
        }
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            float[] found = checkpoint.readFloats(checkpoint.require("a.weight", 2, 64));
            assertArrayEquals(new float[] {4, one ? 4 : 0.5f}, new float[] {found[63], found[64]});
        }
    }

    /// As transformers saves them where `weight_block_size` is null.
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aFactorOfAllMayBeCalledAsThoseOfBlocks(int dimensions) throws IOException {
        String config = "{\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":null}}";
        long[] shape = new long[dimensions];
        Arrays.fill(shape, 1);
        byte[] ones = new byte[ROWS * COLS];
        Arrays.fill(ones, (byte) 0x38);
        try (Checkpoint checkpoint = Checkpoint.open(write(ones, config, shape, 4))) {
            float[] expected = new float[ROWS * COLS];
            Arrays.fill(expected, 4);
            assertArrayEquals(expected, checkpoint.readFloats(checkpoint.require("a.weight", ROWS, COLS)));
        }
    }

    /// As Mistral Small 4 has them (one for each expert), and as transformers saves fused experts (for each block of
    /// each): also where blocks do not divide the rows, and where a part begins and ends within experts.
    @ParameterizedTest
    @CsvSource({
        "_scale_inv, 3x1x1, 1",
        "_scale_inv, 3, 1",
        "_scale_inv, 3x2x2, 4",
        "_scale, 3x1x1, 1",
        "_scale, 3x2x2, 4",
        "_scale, 3x5x1, 5",
        "_scale, 15, 5"
    })
    void expertsInOneTensorHaveFactorsOfTheirOwn(String end, String shape, int each) throws IOException {
        Files.writeString(
                directory.resolve("config.json"), "{\"quantization_config\": {\"weight_block_size\": [3, 4]}}");
        long[] lengths =
                Arrays.stream(shape.split("x")).mapToLong(Long::parseLong).toArray();
        List<Entry> entries = List.of(Entry.of("a", "F8_E4M3", 3, 5, 6), Entry.of("a" + end, "F32", lengths));
        float[] factors = new float[3 * each];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = i + 1;
        }
        try (SafetensorsWriter writer =
                SafetensorsWriter.create(directory.resolve("model.safetensors"), entries, Map.of())) {
            byte[] ones = new byte[3 * 5 * 6];
            Arrays.fill(ones, (byte) 0x38);
            writer.write("a", MemorySegment.ofArray(ones));
            writer.write("a" + end, factors);
        }
        float[] expected = new float[3 * 5 * 6];
        for (int i = 0; i < expected.length; i++) {
            int expert = i / 30;
            int row = i / 6 % 5;
            int block = each == 4 ? row / 3 * 2 + i % 6 / 4 : each == 5 ? row : 0;
            expected[i] = factors[expert * each + block];
        }
        try (Checkpoint checkpoint = Checkpoint.open(directory);
                Arena arena = Arena.ofConfined()) {
            TensorInfo tensor = checkpoint.require("a", 3, 5, 6);
            assertArrayEquals(expected, checkpoint.readFloats(tensor));
            for (int first = 0; first < expected.length; first++) {
                MemorySegment part = arena.allocate(2L * (expected.length - first));
                checkpoint.read(tensor, 2L * first, part);
                float[] found = new float[expected.length - first];
                Floats.decode(DType.BF16, part, found.length, found, 0);
                assertArrayEquals(Arrays.copyOfRange(expected, first, expected.length), found);
            }
        }
    }

    /// As compressed-tensors has them.
    @Test
    void factorsOfBlocksMayBeCalledAsThoseOfRows() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{}");
        List<Entry> entries =
                List.of(Entry.of("a.weight", "F8_E4M3", ROWS, COLS), Entry.of("a.weight_scale", "F32", 3, 2));
        try (SafetensorsWriter writer =
                SafetensorsWriter.create(directory.resolve("model.safetensors"), entries, Map.of())) {
            byte[] ones = new byte[ROWS * COLS];
            Arrays.fill(ones, (byte) 0x38);
            writer.write("a.weight", MemorySegment.ofArray(ones));
            writer.write("a.weight_scale", new float[] {1, 2, 4, 8, 16, 32});
        }
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            float[] found = checkpoint.readFloats(checkpoint.require("a.weight", ROWS, COLS));
            assertArrayEquals(
                    new float[] {1, 2, 4, 32},
                    new float[] {found[0], found[128], found[128 * COLS], found[ROWS * COLS - 1]});
        }
    }

    /// As DeepSeek-V4 has them.
    @Test
    void factorsMayBePowersOfTwoByAShorterName() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{}");
        List<Entry> entries =
                List.of(Entry.of("a.weight", "F8_E4M3", ROWS, COLS), Entry.of("a.scale", "F8_E8M0", 3, 2));
        try (SafetensorsWriter writer =
                SafetensorsWriter.create(directory.resolve("model.safetensors"), entries, Map.of())) {
            byte[] ones = new byte[ROWS * COLS];
            Arrays.fill(ones, (byte) 0x38);
            writer.write("a.weight", MemorySegment.ofArray(ones));
            writer.write("a.scale", MemorySegment.ofArray(new byte[] {127, (byte) 130, 120, 127, 127, (byte) 0xFF}));
        }
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertEquals(2L * ROWS * COLS, checkpoint.totalBytes());
            float[] found = checkpoint.readFloats(checkpoint.require("a.weight", ROWS, COLS));
            assertArrayEquals(new float[] {1, 8, 0x1p-7f}, new float[] {found[0], found[128], found[128 * COLS]});
            assertTrue(Float.isNaN(found[ROWS * COLS - 1]));
        }
    }

    /// As Qwen3 and what was made like it have them.
    @ParameterizedTest
    @ValueSource(strings = {"BF16", "F16"})
    void factorsMayBeFloatsOfSixteenBits(String dtype) throws IOException {
        Files.writeString(directory.resolve("config.json"), "{}");
        List<Entry> entries =
                List.of(Entry.of("a.weight", "F8_E4M3", ROWS, COLS), Entry.of("a.weight_scale_inv", dtype, 3, 2));
        float[] factors = {1, 1.5f, 0.25f, -2, 96, 0x1p-14f}; // which both types have
        ByteBuffer written = ByteBuffer.allocate(Short.BYTES * factors.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float factor : factors) {
            written.putShort(
                    dtype.equals("F16")
                            ? Float.floatToFloat16(factor)
                            : (short) (Float.floatToRawIntBits(factor) >>> 16));
        }
        try (SafetensorsWriter writer =
                SafetensorsWriter.create(directory.resolve("model.safetensors"), entries, Map.of())) {
            byte[] ones = new byte[ROWS * COLS];
            Arrays.fill(ones, (byte) 0x38);
            writer.write("a.weight", MemorySegment.ofArray(ones));
            writer.write("a.weight_scale_inv", MemorySegment.ofArray(written.array()));
        }
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            float[] found = checkpoint.readFloats(checkpoint.require("a.weight", ROWS, COLS));
            for (int row = 0; row < ROWS; row++) {
                for (int col = 0; col < COLS; col++) {
                    assertEquals(factors[row / 128 * 2 + col / 128], found[row * COLS + col], dtype);
                }
            }
        }
    }

    @Test
    void aCodeThatIsNoNumberReadsAsNone() throws IOException {
        byte[] codes = new byte[ROWS * COLS];
        codes[5] = 0x7F;
        codes[6] = (byte) 0xFF;
        try (Checkpoint checkpoint = Checkpoint.open(write(codes, "{}", new long[] {3, 2}, 1, 1, 1, 1, 1, 1))) {
            float[] found = checkpoint.readFloats(checkpoint.require("a.weight", ROWS, COLS));
            assertTrue(Float.isNaN(found[5]) && Float.isNaN(found[6]) && found[7] == 0);
        }
    }

    @Test
    void factorsThatDoNotFitAreRefused() throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(write(codes(), "{}", new long[] {2, 3}, 1, 1, 1, 1, 1, 1))) {
            String message = String.valueOf(
                    assertThrows(MalformedModelException.class, () -> checkpoint.require("a.weight", ROWS, COLS))
                            .getMessage());
            assertTrue(
                    message.contains("a.weight_scale_inv: expected F32, BF16, F16, F8_E8M0 or U8 [3, 2], one for each"),
                    message);
        }
    }

    @Test
    void factorsThatAreMissingAreNamed() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{}");
        try (SafetensorsWriter writer = SafetensorsWriter.create(
                directory.resolve("model.safetensors"),
                List.of(Entry.of("a.weight", "F8_E4M3", ROWS, COLS)),
                Map.of())) {
            writer.write("a.weight", MemorySegment.ofArray(codes()));
        }
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            String message = String.valueOf(
                    assertThrows(MalformedModelException.class, () -> checkpoint.require("a.weight", ROWS, COLS))
                            .getMessage());
            assertTrue(message.contains("a.weight_scale_inv"), message);
            assertTrue(message.endsWith("found no such tensor"), message);
        }
    }
}
