package io.moetier.kernels.tensor;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.storage.format.Floats;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WeightPackerTest {
    private static final int[][] SHAPES = {
        {16, 32}, {1, 1}, {17, 7}, {31, 96}, {48, 65}, {5, 320}, {18, 1120}, {1, 256}, {33, 1792}
    };
    /// More than are quantised in one go.
    private static final int QUANTISED_COLS = RowEncoder.STRIP + 96;

    private static final long SEED = 20260101;

    @Test
    void packsEveryTypeIntoItselfWithoutLoss() {
        for (DType dtype : DType.values()) {
            for (int[] shape : SHAPES) {
                if (shape[1] % dtype.blockElements() == 0) {
                    packsAndReads(dtype, dtype, shape[0], shape[1]);
                }
            }
        }
    }

    @Test
    void packsEveryTypeIntoF32() {
        for (DType dtype : DType.values()) {
            for (int[] shape : SHAPES) {
                if (shape[1] % dtype.blockElements() == 0) {
                    packsAndReads(dtype, DType.F32, shape[0], shape[1]);
                }
            }
        }
    }

    private static void packsAndReads(DType source, DType target, int rows, int cols) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment plain = random(arena, source, rows, cols);
            WeightMatrix matrix = pack(arena, source, plain, target, rows, cols);
            float[] expected = new float[rows * cols];
            Floats.decode(source, plain, rows * cols, expected, 0);
            float[] decoded = new float[rows * cols];
            RowDecoder decoder = new RowDecoder();
            for (int row = 0; row < rows; row++) {
                decoder.decode(matrix, row, decoded, row * cols);
            }
            String what = source + " " + rows + " x " + cols;
            assertArrayEquals(expected, decoded, what);
            requireTiles(matrix, expected, what);
            for (int i = 0; i < rows * cols; i += 7) {
                assertEquals(expected[i], matrix.get(i / cols, i % cols), what);
            }
        }
    }

    private static void requireTiles(WeightMatrix matrix, float[] expected, String what) {
        int cols = matrix.cols();
        float[] tile = new float[17 * cols];
        for (int number = 0; number < matrix.tiles(); number++) {
            Arrays.fill(tile, Float.NaN);
            new RowDecoder().decodeTile(matrix, number, tile);
            for (int i = 0; i < 16 * cols; i++) {
                int row = 16 * number + i % 16;
                assertEquals(row < matrix.rows() ? expected[row * cols + i / 16] : 0, tile[i], what);
            }
        }
    }

    @Test
    void padsRowsWithZeros() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment plain = random(arena, DType.Q8_0, 3, 64);
            WeightMatrix matrix = pack(arena, DType.Q8_0, plain, DType.Q8_0, 3, 64);
            WeightMatrix whole = new WeightMatrix(DType.Q8_0, 16, 64, matrix.bytes());
            for (int row = 3; row < 16; row++) {
                for (int col = 0; col < 64; col++) {
                    assertEquals(0f, whole.get(row, col));
                }
            }
        }
    }

    @Test
    void quantisesAsTheBlockDefinitionSays() {
        for (DType source : new DType[] {DType.F32, DType.F16, DType.BF16}) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment plain = random(arena, source, 19, QUANTISED_COLS);
                WeightMatrix matrix = pack(arena, source, plain, DType.Q8_0, 19, QUANTISED_COLS);
                for (int row = 0; row < 19; row++) {
                    for (int first = 0; first < QUANTISED_COLS; first += 32) {
                        checkBlock(source, plain, matrix, row, first);
                    }
                }
            }
        }
    }

    private static void checkBlock(DType source, MemorySegment plain, WeightMatrix matrix, int row, int first) {
        float largest = 0;
        for (int i = 0; i < 32; i++) {
            largest = Math.max(largest, Math.abs(read(source, plain, QUANTISED_COLS, row, first + i)));
        }
        float d = largest / 127f;
        float inverse = 1f / d;
        float stored = Float.float16ToFloat(Float.floatToFloat16(d));
        for (int i = 0; i < 32; i++) {
            double x = read(source, plain, QUANTISED_COLS, row, first + i) * inverse;
            long q = (long) (Math.signum(x) * Math.floor(Math.abs(x) + 0.5));
            assertEquals(q * stored, matrix.get(row, first + i));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"Q4_0", "Q4_K", "Q6_K", "Q8_0"})
    void packsWhatAnEncoderMakesOfEachRow(DType target) {
        int rows = 19;
        int cols = RowEncoder.STRIP + 256;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment plain = random(arena, DType.BF16, rows, cols);
            WeightMatrix matrix = pack(arena, DType.BF16, plain, target, rows, cols);
            float[] row = new float[cols];
            float[] found = new float[cols];
            byte[] blocks = new byte[(int) target.bytes(256)];
            float[] expected = new float[256];
            for (int r = 0; r < rows; r++) {
                Floats.decode(DType.BF16, plain, 2L * r * cols, cols, row, 0);
                new RowDecoder().decode(matrix, r, found, 0);
                for (int k = 0; k < cols; k += 256) {
                    RowEncoder.of(target).encode(Arrays.copyOfRange(row, k, k + 256), 256, blocks);
                    Floats.decode(target, MemorySegment.ofArray(blocks), 256, expected, 0);
                    assertArrayEquals(expected, Arrays.copyOfRange(found, k, k + 256), "row " + r + " from " + k);
                }
            }
        }
    }

    @Test
    void roundsHalvesAwayFromZeroAndKeepsZeroBlocks() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment plain = arena.allocate(4 * 64);
            float[] values = {127f, 0.5f, -0.5f, 1.5f, -2.5f, 0.49999997f};
            for (int i = 0; i < values.length; i++) {
                plain.setAtIndex(JAVA_FLOAT_UNALIGNED, i, values[i]);
            }
            WeightMatrix matrix = pack(arena, DType.F32, plain, DType.Q8_0, 1, 64);
            float[] expected = {127f, 1f, -1f, 2f, -3f, 0f};
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], matrix.get(0, i));
            }
            assertEquals(0f, matrix.get(0, 63));
        }
    }

    @Test
    void refusesWhatItCannotPack() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment plain = arena.allocate(4 * 64);
            MemorySegment packed = arena.allocate(16 * 2 * 64, 64);
            IllegalArgumentException lossy = assertThrows(
                    IllegalArgumentException.class,
                    () -> WeightPacker.pack(DType.F32, plain, DType.BF16, 1, 64, packed));
            assertEquals("f32 does not pack into bf16", lossy.getMessage());
            assertThrows(
                    IllegalArgumentException.class,
                    () -> WeightPacker.pack(DType.F32, plain, DType.F32, 1, 64, packed));
            assertThrows(IllegalArgumentException.class, () -> WeightMatrix.packedBytes(DType.Q8_0, 1, 48));
            IllegalArgumentException onHeap = assertThrows(
                    IllegalArgumentException.class,
                    () -> new WeightMatrix(DType.F32, 16, 32, MemorySegment.ofArray(new byte[2048])));
            assertEquals("weights must lie off-heap, aligned to 64 bytes", onHeap.getMessage());
        }
    }

    private static WeightMatrix pack(Arena arena, DType source, MemorySegment plain, DType target, int rows, int cols) {
        MemorySegment packed = arena.allocate(WeightMatrix.packedBytes(target, rows, cols), 64);
        packed.fill((byte) 0x55);
        WeightPacker.pack(source, plain, target, rows, cols, packed);
        return new WeightMatrix(target, rows, cols, packed);
    }

    private static MemorySegment random(Arena arena, DType dtype, int rows, int cols) {
        return RandomWeights.rowMajor(arena, dtype, rows, cols, new Random(SEED));
    }

    private static float read(DType dtype, MemorySegment plain, int cols, int row, int col) {
        float[] value = new float[1];
        Floats.decode(dtype, plain, dtype.bytes((long) row * cols + col), 1, value, 0);
        return value[0];
    }
}
