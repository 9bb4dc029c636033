package io.moetier.engine.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/// Turns floats of a row into `Q8_0` blocks of the packed layout.
///
/// Every step is one plain loop over arrays, since such loops become vector code and a single loop from float to packed
/// byte does not; it took six times as long. For one thread, which fills [#values] before each [#quantise].
final class BlockQuantiser {
    /// Values that are quantised together, few enough that all arrays stay in the first-level cache.
    static final int STRIP = 1024;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = 32;
    private static final int QUADS = BLOCK / 4;
    private static final int SCALE_WORDS = WeightMatrix.TILE_ROWS / 2;
    private static final int PACKED_BLOCK_WORDS = SCALE_WORDS + QUADS * WeightMatrix.TILE_ROWS;
    private static final int ABSOLUTE = 0x7FFF_FFFF;

    private final float[] values = new float[STRIP];
    private final int[] bits = new int[STRIP];
    private final float[] inverses = new float[STRIP];
    private final int[] rounded = new int[STRIP];
    private final byte[] bytes = new byte[STRIP];
    private final int[] quads = new int[STRIP / 4];
    private final int[] packed = new int[STRIP / BLOCK * PACKED_BLOCK_WORDS];

    /// Returns the array that takes the values to be quantised.
    float[] values() {
        return values;
    }

    /// Quantises the first `length` values, whole blocks, as row `lane` of sixteen.
    void quantise(int length, int lane) {
        MemorySegment.copy(MemorySegment.ofArray(values), ValueLayout.JAVA_INT_UNALIGNED, 0, bits, 0, length);
        int scales = lane / 2;
        int shift = lane % 2 * Short.SIZE;
        for (int first = 0; first < length; first += BLOCK) {
            float d = Float.intBitsToFloat(largest(bits, first)) / 127f;
            Arrays.fill(inverses, first, first + BLOCK, d == 0 ? 0 : 1f / d);
            packed[first / BLOCK * PACKED_BLOCK_WORDS + scales] |= (Float.floatToFloat16(d) & 0xFFFF) << shift;
        }
        round(values, inverses, rounded, length);
        narrow(rounded, bytes, length);
        MemorySegment.copy(MemorySegment.ofArray(bytes), INT, 0, quads, 0, length / 4);
        interleave(quads, packed, SCALE_WORDS + lane, length / BLOCK);
    }

    /// Writes the blocks of `length` values of the sixteen rows to `to` of `dst`. Rows that were not quantised since
    /// the last time are zeros.
    void write(int length, MemorySegment dst, long to) {
        MemorySegment.copy(packed, 0, dst, INT, to, length / BLOCK * PACKED_BLOCK_WORDS);
        Arrays.fill(packed, 0);
    }

    private static void interleave(int[] quads, int[] packed, int at, int numBlocks) {
        for (int block = 0; block < numBlocks; block++) {
            for (int i = 0; i < QUADS; i++) {
                packed[block * PACKED_BLOCK_WORDS + i * WeightMatrix.TILE_ROWS + at] = quads[block * QUADS + i];
            }
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
