package io.moetier.engine.tensor;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Looks for weights that are NaN or infinite: those whose exponent is all ones.
///
/// One more in such an exponent carries into the sign, which is masked out before, so a word costs three operations
/// and no branch, and two halves are one word. The words go by way of an array, as in [WeightPacker]. Not thread-safe.
public final class NonFinite {
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int STRIP = 2048;

    private final int[] words = new int[STRIP];

    /// Says whether any of the weights is NaN or infinite; of blocks, whether any scale is.
    public boolean isIn(DType dtype, MemorySegment weights) {
        return switch (dtype) {
            case F32 -> isIn(weights, 0x7F800000, 0x00800000, 0x80000000);
            case F16 -> isIn(weights, 0x7C007C00, 0x04000400, 0x80008000);
            case BF16 -> isIn(weights, 0x7F807F80, 0x00800080, 0x80008000);
            case Q8_0 -> isInScales(weights);
            default -> throw new UnsupportedOperationException(dtype + " weights");
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
            MemorySegment.copy(weights, WORD, 4 * first, words, 0, length);
            carries |= carries(words, length, exponents, ones);
        }
        if (weights.byteSize() % 4 != 0) { // an odd number of halves
            carries |= (weights.get(HALF, 4 * count) & exponents & 0xFFFF) + (ones & 0xFFFF);
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

    private static boolean isInScales(MemorySegment blocks) {
        long blockBytes = DType.Q8_0.bytes(32);
        for (long at = 0; at < blocks.byteSize(); at += blockBytes) {
            if (!Float.isFinite(Float.float16ToFloat(blocks.get(HALF, at)))) {
                return true;
            }
        }
        return false;
    }
}
