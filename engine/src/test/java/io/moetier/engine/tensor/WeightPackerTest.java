package io.moetier.engine.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class WeightPackerTest {
    private static final int[][] SHAPES = {{16, 32}, {1, 1}, {17, 7}, {31, 96}, {48, 65}, {5, 320}, {18, 1120}};
    /// More than are quantised in one go.
    private static final int QUANTISED_COLS = BlockQuantiser.STRIP + 96;

    private static final long SEED = 20260101;

    @Test
    void packsEveryTypeIntoItselfWithoutLoss() {
        for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0)) {
            for (int[] shape : SHAPES) {
                if (shape[1] % dtype.blockElements() == 0) {
                    packsAndReads(dtype, dtype, shape[0], shape[1]);
                }
            }
        }
    }

    @Test
    void packsEveryTypeIntoF32() {
        for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0)) {
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
            for (int row = 0; row < rows; row++) {
                for (int col = 0; col < cols; col++) {
                    float expected = read(source, plain, cols, row, col);
                    assertEquals(expected, matrix.get(row, col), source + " " + rows + " x " + cols);
                }
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
        Random random = new Random(SEED);
        MemorySegment segment = arena.allocate(dtype.bytes((long) rows * cols));
        for (long at = 0; at < segment.byteSize(); at += dtype.blockBytes()) {
            float x = (float) random.nextGaussian();
            switch (dtype) {
                case F32 -> segment.set(JAVA_FLOAT_UNALIGNED, at, x);
                case F16 -> segment.set(JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(x));
                case BF16 -> segment.set(JAVA_SHORT_UNALIGNED, at, (short) (Float.floatToRawIntBits(x) >>> 16));
                case Q8_0 -> {
                    segment.set(JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(x));
                    for (int i = 0; i < 32; i++) {
                        segment.set(JAVA_BYTE, at + 2 + i, (byte) random.nextInt(-127, 128));
                    }
                }
                default -> throw new IllegalArgumentException(dtype.label());
            }
        }
        return segment;
    }

    private static float read(DType dtype, MemorySegment plain, int cols, int row, int col) {
        long element = (long) row * cols + col;
        return switch (dtype) {
            case F32 -> plain.get(JAVA_FLOAT_UNALIGNED, 4 * element);
            case F16 -> Float.float16ToFloat(plain.get(JAVA_SHORT_UNALIGNED, 2 * element));
            case BF16 -> Float.intBitsToFloat(plain.get(JAVA_SHORT_UNALIGNED, 2 * element) << 16);
            case Q8_0 -> {
                long block = element / 32 * 34;
                float scale = Float.float16ToFloat(plain.get(JAVA_SHORT_UNALIGNED, block));
                yield scale * plain.get(JAVA_BYTE, block + 2 + element % 32);
            }
            default -> throw new IllegalArgumentException(dtype.label());
        };
    }
}
