package io.moetier.storage.format;

import static io.moetier.storage.format.BlockDecoder.half;
import static io.moetier.storage.format.BlockDecoder.unsigned;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Decodes the types of 32 evenly spaced values: a float16 scale `d`, in some types a float16 offset `m`, in
/// some a fifth bit of every value, then four or eight bits of every value.
///
/// Byte `i` of sixteen holds element `i` in its lower half and element `i + 16` in its upper one; bit `i` of
/// the fifth bits is that of element `i`.
final class SmallBlocks {
    private static final int HALF = 16;

    private SmallBlocks() {}

    /// `d`, 32 signed bytes.
    static void decodeQ8(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        for (int i = 0; i < 2 * HALF; i++) {
            dst[to + i] = src.get(ValueLayout.JAVA_BYTE, at + 2 + i) * d;
        }
    }

    /// `d`, values from -8 on.
    static void decodeQ4(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        for (int i = 0; i < HALF; i++) {
            int pair = unsigned(src, at + 2 + i);
            dst[to + i] = ((pair & 15) - 8) * d;
            dst[to + i + HALF] = ((pair >> 4) - 8) * d;
        }
    }

    /// `d`, `m`, values from 0 on.
    static void decodeQ4WithOffset(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        float m = half(src, at + 2);
        for (int i = 0; i < HALF; i++) {
            int pair = unsigned(src, at + 4 + i);
            dst[to + i] = ((pair & 15) * d) + m;
            dst[to + i + HALF] = ((pair >> 4) * d) + m;
        }
    }

    /// `d`, fifth bits, values from -16 on.
    static void decodeQ5(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        int fifths = src.get(BlockDecoder.INT, at + 2);
        for (int i = 0; i < HALF; i++) {
            int pair = unsigned(src, at + 6 + i);
            dst[to + i] = (((pair & 15) | fifth(fifths, i)) - 16) * d;
            dst[to + i + HALF] = ((pair >> 4 | fifth(fifths, i + HALF)) - 16) * d;
        }
    }

    /// `d`, `m`, fifth bits, values from 0 on.
    static void decodeQ5WithOffset(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        float m = half(src, at + 2);
        int fifths = src.get(BlockDecoder.INT, at + 4);
        for (int i = 0; i < HALF; i++) {
            int pair = unsigned(src, at + 8 + i);
            dst[to + i] = (((pair & 15) | fifth(fifths, i)) * d) + m;
            dst[to + i + HALF] = ((pair >> 4 | fifth(fifths, i + HALF)) * d) + m;
        }
    }

    private static int fifth(int fifths, int element) {
        return (fifths >>> element & 1) << 4;
    }
}
