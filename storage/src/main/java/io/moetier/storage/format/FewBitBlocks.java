package io.moetier.storage.format;

import static io.moetier.storage.format.BlockDecoder.half;
import static io.moetier.storage.format.BlockDecoder.unsigned;

import java.lang.foreign.MemorySegment;

/// Decodes the types whose weights are one of two, three or four neighbouring whole numbers times a float16.
final class FewBitBlocks {
    private static final int[] POWERS_OF_THREE = {1, 3, 9, 27, 81};

    private FewBitBlocks() {}

    /// `d`, 128 signs, the lowest bit of a byte first: a bit that is not set is negative.
    static void decodeQ1(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        for (int k = 0; k < 128; k++) {
            dst[to + k] = (unsigned(src, at + 2 + k / 8) >> (k % 8) & 1) == 0 ? -d : d;
        }
    }

    /// `d`, 64 values of two bits from -1 on, the lowest bits of a byte first.
    static void decodeQ2(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        for (int k = 0; k < 64; k++) {
            dst[to + k] = ((unsigned(src, at + 2 + k / 4) >> (k % 4 * 2) & 3) - 1) * d;
        }
    }

    /// 64 bytes of four values from -1 on, `d`. Of 32 bytes, byte `i` holds `i`, `i + 32`, `i + 64` and `i + 96`.
    static void decodeTq2(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at + 64);
        for (int k = 0; k < 256; k++) {
            int values = unsigned(src, at + k / 128 * 32L + k % 32);
            dst[to + k] = ((values >> (k % 128 / 32 * 2) & 3) - 1) * d;
        }
    }

    /// 32 bytes of five values, sixteen more, four bytes of four values, `d`. Of each run of bytes, the first
    /// values come first.
    static void decodeTq1(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at + 52);
        decodeThirds(src, at, 32, 5, d, dst, to);
        decodeThirds(src, at + 32, 16, 5, d, dst, to + 160);
        decodeThirds(src, at + 48, 4, 4, d, dst, to + 240);
    }

    /// A byte is a fraction of 256 in base three. Times a power of three, its whole part is dropped; the next digit is
    /// the whole part of three times what remains.
    private static void decodeThirds(
            MemorySegment src, long at, int numBytes, int values, float d, float[] dst, int to) {
        for (int value = 0; value < values; value++) {
            for (int i = 0; i < numBytes; i++) {
                int rest = (unsigned(src, at + i) * POWERS_OF_THREE[value]) & 0xFF;
                dst[to + value * numBytes + i] = (((rest * 3) >> 8) - 1) * d;
            }
        }
    }
}
