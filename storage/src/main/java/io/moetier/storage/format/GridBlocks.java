package io.moetier.storage.format;

import static io.moetier.storage.format.BlockDecoder.half;
import static io.moetier.storage.format.BlockDecoder.unsigned;

import java.lang.foreign.MemorySegment;

/// Decodes the types whose weights are points of a [CodeGrid], times a scale of sixteen or 32 of them.
///
/// Types of two and three bits have signs of their own: a bit that is set is negative.
final class GridBlocks {
    private static final float DELTA = 0.125f;

    private GridBlocks() {}

    /// `d`; eight times four bytes of points, and four of four times seven signs and a scale.
    static void decodeIq2Xxs(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        for (int group = 0; group < 8; group++) {
            long points = at + 2 + 8L * group;
            int signsAndScale = src.get(BlockDecoder.INT, points + 4);
            float scale = d * (0.5f + (signsAndScale >>> 28)) * 0.25f;
            for (int i = 0; i < 4; i++) {
                int signs = eighth(signsAndScale >> (7 * i));
                decode(CodeGrid.IQ2_XXS, unsigned(src, points + i), 8, signs, scale, dst, to + 32 * group + 8 * i);
            }
        }
    }

    /// `d`; 32 times nine bits of a point and seven signs; eight bytes of two scales.
    static void decodeIq2Xs(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        for (int i = 0; i < 32; i++) {
            int code = src.get(BlockDecoder.SHORT, at + 2 + 2L * i) & 0xFFFF;
            float scale = d * (0.5f + fourBits(src, at + 66, i / 2)) * 0.25f;
            decode(CodeGrid.IQ2_XS, code & 511, 8, eighth(code >> 9), scale, dst, to + 8 * i);
        }
    }

    /// `d`, 32 bytes of points, as many of signs, eight of four times two more bits of points, eight of two scales.
    static void decodeIq2S(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        for (int i = 0; i < 32; i++) {
            int upper = unsigned(src, at + 66 + i / 4) >> (i % 4 * 2) & 3;
            float scale = d * (0.5f + fourBits(src, at + 74, i / 2)) * 0.25f;
            int point = unsigned(src, at + 2 + i) | upper << 8;
            decode(CodeGrid.IQ2_S, point, 8, unsigned(src, at + 34 + i), scale, dst, to + 8 * i);
        }
    }

    /// `d`, 64 bytes of points, eight times four bytes of four times seven signs and a scale.
    static void decodeIq3Xxs(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        for (int group = 0; group < 8; group++) {
            int signsAndScale = src.get(BlockDecoder.INT, at + 66 + 4L * group);
            float scale = d * (0.5f + (signsAndScale >>> 28)) * 0.5f;
            for (int i = 0; i < 8; i++) {
                int signs = eighth(signsAndScale >> (i / 2 * 7)) >> (i % 2 * 4);
                int point = unsigned(src, at + 2 + 8L * group + i);
                decode(CodeGrid.IQ3_XXS, point, 4, signs, scale, dst, to + 32 * group + 4 * i);
            }
        }
    }

    /// `d`, 64 bytes of points, eight of eight more bits of points, 32 of signs, four of two scales.
    static void decodeIq3S(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        for (int i = 0; i < 64; i++) {
            int upper = unsigned(src, at + 66 + i / 8) >> (i % 8) & 1;
            int signs = unsigned(src, at + 74 + i / 2) >> (i % 2 * 4);
            float scale = d * (1 + 2 * fourBits(src, at + 106, i / 8));
            decode(CodeGrid.IQ3_S, unsigned(src, at + 2 + i) | upper << 8, 4, signs, scale, dst, to + 4 * i);
        }
    }

    /// `d`; 32 bytes of points; eight times four times three more bits of points, a scale of three, and a bit that
    /// lowers all 32 instead of raising them.
    static void decodeIq1S(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        for (int i = 0; i < 32; i++) {
            int bits = src.get(BlockDecoder.SHORT, at + 34 + i / 4 * 2L) & 0xFFFF;
            float scale = d * (2 * (bits >> 12 & 7) + 1);
            int upper = bits >> (i % 4 * 3) & 7;
            decode(unsigned(src, at + 2 + i) | upper << 8, bits >> 15 != 0, scale, dst, to + 8 * i);
        }
    }

    /// 32 bytes of points; sixteen of two times three more bits and one that lowers eight weights instead of raising
    /// them; four times four scales of three bits and, above them, a quarter of `d`.
    static void decodeIq1M(MemorySegment src, long at, float[] dst, int to) {
        int d = 0;
        for (int i = 0; i < 4; i++) {
            d |= (src.get(BlockDecoder.SHORT, at + 48 + 2L * i) >> 12 & 15) << (4 * i);
        }
        for (int i = 0; i < 32; i++) {
            int bits = unsigned(src, at + 32 + i / 2) >> (i % 2 * 4);
            int three = src.get(BlockDecoder.SHORT, at + 48 + i / 8 * 2L) >> (i / 2 % 4 * 3) & 7;
            float scale = Float.float16ToFloat((short) d) * (2 * three + 1);
            decode(unsigned(src, at + i) | (bits & 7) << 8, (bits & 8) != 0, scale, dst, to + 8 * i);
        }
    }

    private static void decode(CodeGrid grid, int point, int count, int signs, float scale, float[] dst, int to) {
        for (int i = 0; i < count; i++) {
            float value = scale * grid.value(point, i);
            dst[to + i] = (signs >> i & 1) == 0 ? value : -value;
        }
    }

    private static void decode(int point, boolean lowered, float scale, float[] dst, int to) {
        for (int i = 0; i < 8; i++) {
            dst[to + i] = scale * (CodeGrid.IQ1.value(point, i) + (lowered ? -DELTA : DELTA));
        }
    }

    /// Returns seven signs and an eighth, which makes their number even.
    private static int eighth(int signs) {
        int seven = signs & 127;
        return seven | (Integer.bitCount(seven) & 1) << 7;
    }

    private static int fourBits(MemorySegment src, long at, int i) {
        return unsigned(src, at + i / 2) >> (i % 2 * 4) & 15;
    }
}
