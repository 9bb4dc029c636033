package io.moetier.storage.format;

import static io.moetier.storage.format.BlockDecoder.half;
import static io.moetier.storage.format.BlockDecoder.unsigned;

import java.lang.foreign.MemorySegment;

/// Decodes the types whose four bits are codes of a [CodeBook].
///
/// Byte `i` of sixteen holds the code of element `i` in its lower half and of element `i + 16` in its upper
/// one.
final class CodedBlocks {
    private static final int HALF = 16;

    private CodedBlocks() {}

    /// A float16 scale, 32 codes.
    static void decodeIq4Nl(MemorySegment src, long at, float[] dst, int to) {
        decodeIq4(src, at + 2, half(src, at), dst, to);
    }

    /// A float16 `d`, two bytes of eight upper two bits of scales, four bytes of their lower four bits, from
    /// -32 on; eight times 32 codes.
    static void decodeIq4Xs(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        int uppers = src.get(BlockDecoder.SHORT, at + 2);
        for (int group = 0; group < 8; group++) {
            int lower = unsigned(src, at + 4 + group / 2) >> (group % 2 * 4) & 15;
            int upper = uppers >> (2 * group) & 3;
            float scale = d * ((lower | upper << 4) - 32);
            decodeIq4(src, at + 8 + 16L * group, scale, dst, to + 32 * group);
        }
    }

    private static void decodeIq4(MemorySegment src, long at, float scale, float[] dst, int to) {
        for (int i = 0; i < HALF; i++) {
            int pair = unsigned(src, at + i);
            dst[to + i] = scale * CodeBook.iq4(pair & 15);
            dst[to + i + HALF] = scale * CodeBook.iq4(pair >> 4);
        }
    }

    /// An exponent, 32 codes.
    static void decodeMxfp4(MemorySegment src, long at, float[] dst, int to) {
        float scale = CodeBook.halfOfExponent(unsigned(src, at));
        for (int i = 0; i < HALF; i++) {
            int pair = unsigned(src, at + 1 + i);
            dst[to + i] = CodeBook.mxfp4(pair & 15) * scale;
            dst[to + i + HALF] = CodeBook.mxfp4(pair >> 4) * scale;
        }
    }

    /// Four scales, each of sixteen codes. Byte `i` of eight holds the code of element `i` in its lower half and of
    /// element `i + 8` in its upper one.
    static void decodeNvfp4(MemorySegment src, long at, float[] dst, int to) {
        for (int group = 0; group < 4; group++) {
            float scale = CodeBook.halfOfScale(unsigned(src, at + group));
            for (int i = 0; i < HALF / 2; i++) {
                int pair = unsigned(src, at + 4 + HALF / 2L * group + i);
                dst[to + HALF * group + i] = CodeBook.mxfp4(pair & 15) * scale;
                dst[to + HALF * group + i + HALF / 2] = CodeBook.mxfp4(pair >> 4) * scale;
            }
        }
    }
}
