package io.moetier.kernels.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// Makes `Q8_0` with the rounding of ggml: scale `d = max|x| / 127` stored as float16, values `x * (1 / d)` rounded
/// half away from zero.
///
/// Every step is one plain loop over arrays, since such loops become vector code and a single loop from float to byte
/// does not; it took six times as long.
final class Q8Encoder implements RowEncoder {
    private static final int BLOCK = 32;
    private static final int BLOCK_BYTES = 34;
    private static final int ABSOLUTE = 0x7FFF_FFFF;

    private final int[] bits = new int[STRIP];
    private final float[] inverses = new float[STRIP];
    private final int[] rounded = new int[STRIP];
    private final byte[] bytes = new byte[STRIP];

    @Override
    public void encode(float[] values, int length, byte[] blocks) {
        MemorySegment.copy(MemorySegment.ofArray(values), ValueLayout.JAVA_INT_UNALIGNED, 0, bits, 0, length);
        for (int first = 0; first < length; first += BLOCK) {
            float d = Float.intBitsToFloat(largest(bits, first)) / 127f;
            Arrays.fill(inverses, first, first + BLOCK, d == 0 ? 0 : 1f / d);
            RowEncoder.putHalf(d, blocks, first / BLOCK * BLOCK_BYTES);
        }
        round(values, inverses, rounded, length);
        narrow(rounded, bytes, length);
        for (int first = 0; first < length; first += BLOCK) {
            System.arraycopy(bytes, first, blocks, first / BLOCK * BLOCK_BYTES + 2, BLOCK);
        }
    }

    /// Returns the bits of the largest magnitude in a block: those of floats without a sign are in the floats' order.
    private static int largest(int[] bits, int first) {
        int largest = 0;
        for (int i = first; i < first + BLOCK; i++) {
            largest = Math.max(largest, bits[i] & ABSOLUTE);
        }
        return largest;
    }

    /// Rounds half away from zero: twice the rest, which is exact, is 1 or more where the whole must move on. `x + 0.5`
    /// may round up on its own.
    private static void round(float[] values, float[] inverses, int[] rounded, int length) {
        for (int i = 0; i < length; i++) {
            float x = values[i] * inverses[i];
            int whole = (int) x;
            rounded[i] = whole + (int) ((x - whole) * 2f);
        }
    }

    private static void narrow(int[] wide, byte[] narrow, int length) {
        for (int i = 0; i < length; i++) {
            narrow[i] = (byte) wide[i];
        }
    }
}
