package io.moetier.kernels.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.random.RandomGenerator;

/// Weights of any type to try kernels with: finite, and the same for the same numbers.
public final class RandomMatrix {
    private RandomMatrix() {}

    /// Returns a matrix.
    ///
    /// @param arena owns it
    public static WeightMatrix of(DType dtype, int rows, int cols, RandomGenerator random, Arena arena) {
        MemorySegment blocks = arena.allocate(dtype.bytes((long) rows * cols));
        for (long at = 0; at < blocks.byteSize(); at += dtype.blockBytes()) {
            fill(dtype, blocks.asSlice(at, dtype.blockBytes()), random);
        }
        MemorySegment packed = arena.allocate(WeightMatrix.packedBytes(dtype, rows, cols), WeightMatrix.ALIGNMENT);
        WeightPacker.pack(dtype, blocks, dtype, rows, cols, packed);
        return new WeightMatrix(dtype, rows, cols, packed);
    }

    /// Every byte may have any value, except those of floating-point numbers.
    private static void fill(DType dtype, MemorySegment block, RandomGenerator random) {
        byte[] bytes = new byte[dtype.blockBytes()];
        random.nextBytes(bytes);
        MemorySegment.copy(bytes, 0, block, JAVA_BYTE, 0, bytes.length);
        float weight = 2 * random.nextFloat() - 1;
        switch (dtype) {
            case F32 -> block.set(JAVA_FLOAT_UNALIGNED, 0, weight);
            case BF16 -> block.set(JAVA_SHORT_UNALIGNED, 0, (short) (Float.floatToRawIntBits(weight) >>> 16));
            case MXFP4 -> block.set(JAVA_BYTE, 0, (byte) (120 + random.nextInt(8))); // a power of two
            case NVFP4 -> {} // every scale is finite
            case IQ1_M ->
                block.set(JAVA_BYTE, 55, (byte) ((bytes[55] & 0x0F) | 0x30)); // a float16 from an eighth to two
            default -> {
                for (int at : halves(dtype)) {
                    block.set(JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(weight));
                }
            }
        }
    }

    /// Returns where the float16 numbers of a block are.
    private static int[] halves(DType dtype) {
        return switch (dtype) {
            case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
            case Q2_K -> new int[] {80, 82};
            case Q3_K -> new int[] {108};
            case Q6_K -> new int[] {208};
            case TQ1_0 -> new int[] {52};
            case TQ2_0 -> new int[] {64};
            default -> new int[] {0};
        };
    }
}
