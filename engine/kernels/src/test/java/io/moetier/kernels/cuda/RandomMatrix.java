package io.moetier.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.kernels.tensor.WeightPacker;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/// Matrices of all types whose bits are random but for scales, which keep the weights below 1.
final class RandomMatrix {
    private RandomMatrix() {}

    /// Returns a packed matrix in memory that goes with it.
    static WeightMatrix of(DType dtype, int rows, int cols, Random random) {
        Arena arena = Arena.ofAuto();
        MemorySegment rowMajor = arena.allocate(dtype.bytes((long) rows * cols));
        byte[] block = new byte[dtype.blockBytes()];
        for (long at = 0; at < rowMajor.byteSize(); at += block.length) {
            random.nextBytes(block);
            MemorySegment.copy(block, 0, rowMajor, JAVA_BYTE, at, block.length);
            fillIn(dtype, rowMajor, at, (float) random.nextGaussian() / 16);
        }
        MemorySegment packed = arena.allocate(WeightMatrix.packedBytes(dtype, rows, cols), WeightMatrix.ALIGNMENT);
        WeightPacker.pack(dtype, rowMajor, dtype, rows, cols, packed);
        return new WeightMatrix(dtype, rows, cols, packed);
    }

    private static void fillIn(DType dtype, MemorySegment weights, long at, float x) {
        switch (dtype) {
            case F32 -> weights.set(JAVA_FLOAT_UNALIGNED, at, x);
            case BF16 -> weights.set(JAVA_SHORT_UNALIGNED, at, (short) (Float.floatToRawIntBits(x) >>> 16));
            case MXFP4 -> weights.set(JAVA_BYTE, at, (byte) (122 - (int) Math.abs(16 * x)));
            case F16 -> setHalves(weights, x, at);
            case Q8_0 -> setHalves(weights, x / 64, at);
            case Q4_0, Q5_0, IQ4_NL -> setHalves(weights, x / 16, at);
            case Q4_1, Q5_1 -> setHalves(weights, x / 16, at, at + 2);
            case Q4_K, Q5_K -> setHalves(weights, x / 512, at, at + 2);
            case Q2_K -> setHalves(weights, x / 32, at + 80, at + 82);
            case Q3_K -> setHalves(weights, x / 64, at + 108);
            case Q6_K -> setHalves(weights, x / 1024, at + 208);
            case IQ4_XS -> setHalves(weights, x / 1024, at);
        }
    }

    private static void setHalves(MemorySegment weights, float x, long... places) {
        for (long at : places) {
            weights.set(JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(x));
        }
    }
}
