package io.moetier.kernels.tensor;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;

/// Looks for weights that are NaN or infinite: those whose exponent is all ones.
///
/// One more in such an exponent carries into the sign, which is masked out before, so a word costs three operations
/// and no branch, and two halves are one word. The words go by way of an array, as in [TileLayout]. Not thread-safe.
public final class NonFinite {
    private static final int STRIP = 2048;

    /// Of an `MXFP4` block: its largest value is 6, and `6 * 2^(252 - 127)` is still a float.
    private static final int LARGEST_EXPONENT = 252;

    private final int[] words = new int[STRIP];

    /// Says whether any of the weights is NaN or infinite; of blocks, whether any scale or offset is.
    public boolean isIn(DType dtype, MemorySegment weights) {
        return switch (dtype) {
            case F32 -> isIn(weights, 0x7F800000, 0x00800000, 0x80000000);
            case F16 -> isIn(weights, 0x7C007C00, 0x04000400, 0x80008000);
            case BF16 -> isIn(weights, 0x7F807F80, 0x00800080, 0x80008000);
            case Q8_0, Q4_0, Q5_0, IQ4_NL, IQ4_XS, Q1_0, Q2_0, IQ1_S, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S ->
                isInHalves(dtype, weights, 0);
            case Q4_1, Q5_1, Q4_K, Q5_K -> isInHalves(dtype, weights, 0) || isInHalves(dtype, weights, 2);
            case Q2_K -> isInHalves(dtype, weights, 80) || isInHalves(dtype, weights, 82);
            case Q3_K -> isInHalves(dtype, weights, 108);
            case Q6_K -> isInHalves(dtype, weights, 208);
            case TQ1_0 -> isInHalves(dtype, weights, 52);
            case TQ2_0 -> isInHalves(dtype, weights, 64);
            case IQ1_M -> isInQuarters(weights, 48);
            case MXFP4 -> isInExponents(weights);
            case NVFP4 -> false;
        };
    }

    /// Says whether any of the values is NaN or infinite.
    public static boolean isIn(float[] values) {
        for (float value : values) {
            if (!Float.isFinite(value)) {
                return true;
            }
        }
        return false;
    }

    private boolean isIn(MemorySegment weights, int exponents, int ones, int signs) {
        long count = weights.byteSize() / 4;
        int carries = 0;
        for (long first = 0; first < count; first += STRIP) {
            int length = (int) Math.min(STRIP, count - first);
            MemorySegment.copy(weights, LittleEndian.INT, 4 * first, words, 0, length);
            carries |= carries(words, length, exponents, ones);
        }
        if (weights.byteSize() % 4 != 0) { // an odd number of halves
            carries |= (weights.get(LittleEndian.SHORT, 4 * count) & exponents & 0xFFFF) + (ones & 0xFFFF);
        }
        return (carries & signs) != 0;
    }

    private static int carries(int[] words, int length, int exponents, int ones) {
        int carries = 0;
        for (int i = 0; i < length; i++) {
            carries |= (words[i] & exponents) + ones;
        }
        return carries;
    }

    private static boolean isInHalves(DType dtype, MemorySegment blocks, long first) {
        int blockBytes = dtype.blockBytes();
        for (long at = first; at < blocks.byteSize(); at += blockBytes) {
            if (!Float.isFinite(Float.float16ToFloat(blocks.get(LittleEndian.SHORT, at)))) {
                return true;
            }
        }
        return false;
    }

    /// Of `IQ1_M`, whose scale is the upper four bits of four numbers. Its exponent is three of the last one's bits and
    /// two of those of the one before.
    private static boolean isInQuarters(MemorySegment blocks, long first) {
        int blockBytes = DType.IQ1_M.blockBytes();
        for (long at = first; at < blocks.byteSize(); at += blockBytes) {
            if ((blocks.get(LittleEndian.SHORT, at + 6) & 0x7000) == 0x7000
                    && (blocks.get(LittleEndian.SHORT, at + 4) & 0xC000) == 0xC000) {
                return true;
            }
        }
        return false;
    }

    private static boolean isInExponents(MemorySegment blocks) {
        int blockBytes = DType.MXFP4.blockBytes();
        for (long at = 0; at < blocks.byteSize(); at += blockBytes) {
            if ((blocks.get(LittleEndian.BYTE, at) & 0xFF) > LARGEST_EXPONENT) {
                return true;
            }
        }
        return false;
    }
}
