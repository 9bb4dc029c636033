package io.moetier.storage.format;

import static io.moetier.storage.format.BlockDecoder.half;
import static io.moetier.storage.format.BlockDecoder.unsigned;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Decodes the types of 256 values in groups of 16 or 32, whose scales (and offsets) are small whole numbers
/// times one float16 `d` (and `dmin`) of the block.
final class SuperBlocks {
    private static final int ELEMENTS = 256;

    private SuperBlocks() {}

    /// Sixteen bytes of a four-bit scale and, above it, a four-bit offset; 64 bytes of four values; `d`,
    /// `dmin`.
    static void decodeQ2(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at + 80);
        float dmin = half(src, at + 82);
        for (int group = 0; group < 16; group++) {
            int scales = unsigned(src, at + group);
            float scale = d * (scales & 15);
            float offset = dmin * (scales >> 4);
            for (int k = 16 * group; k < 16 * group + 16; k++) {
                dst[to + k] = (scale * twoBits(src, at + 16, k)) - offset;
            }
        }
    }

    /// 32 bytes of eight third bits, each lowering its value by 4 where it is not set; 64 bytes of four
    /// values; twelve bytes of sixteen six-bit scales from -32 on; `d`.
    static void decodeQ3(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at + 108);
        for (int group = 0; group < 16; group++) {
            float scale = d * (scaleOfQ3(src, at + 96, group) - 32);
            for (int k = 16 * group; k < 16 * group + 16; k++) {
                int third = unsigned(src, at + k % 32) >> (k / 32) & 1;
                dst[to + k] = scale * (twoBits(src, at + 32, k) - 4 + 4 * third);
            }
        }
    }

    /// Four bits of scale `group` are half of a byte of the first eight; two more lie in the last four.
    private static int scaleOfQ3(MemorySegment src, long at, int group) {
        int low = unsigned(src, at + group % 8) >> (group / 8 * 4) & 15;
        int high = unsigned(src, at + 8 + group % 4) >> (group / 4 * 2) & 3;
        return low | high << 4;
    }

    /// A run of 32 bytes holds 128 values: byte `i` those of `i`, `i + 32`, `i + 64` and `i + 96`.
    private static int twoBits(MemorySegment src, long at, int k) {
        return unsigned(src, at + k / 128 * 32L + k % 32) >> (k % 128 / 32 * 2) & 3;
    }

    /// `d`, `dmin`, twelve bytes of eight six-bit scales and offsets, 128 bytes of two values.
    static void decodeQ4(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        float dmin = half(src, at + 2);
        for (int group = 0; group < 8; group++) {
            float scale = d * scaleOfQ4(src, at + 4, group);
            float offset = dmin * offsetOfQ4(src, at + 4, group);
            for (int k = 32 * group; k < 32 * group + 32; k++) {
                dst[to + k] = (scale * fourBits(src, at + 16, k)) - offset;
            }
        }
    }

    /// As `Q4_K`, with 32 bytes of eight fifth bits before the values.
    static void decodeQ5(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at);
        float dmin = half(src, at + 2);
        for (int group = 0; group < 8; group++) {
            float scale = d * scaleOfQ4(src, at + 4, group);
            float offset = dmin * offsetOfQ4(src, at + 4, group);
            for (int k = 32 * group; k < 32 * group + 32; k++) {
                int fifth = unsigned(src, at + 16 + k % 32) >> group & 1;
                dst[to + k] = (scale * (fourBits(src, at + 48, k) | fifth << 4)) - offset;
            }
        }
    }

    /// The first four scales are six bits of the first four bytes. Those after them have four bits in the
    /// lower halves of the last four bytes, and the two that remain above the first scales.
    private static int scaleOfQ4(MemorySegment src, long at, int group) {
        return group < 4
                ? unsigned(src, at + group) & 63
                : (unsigned(src, at + 4 + group) & 15) | unsigned(src, at + group - 4) >> 6 << 4;
    }

    /// The first four offsets are six bits of the second four bytes. Those after them have four bits in the
    /// upper halves of the last four bytes, and the two that remain above the first offsets.
    private static int offsetOfQ4(MemorySegment src, long at, int group) {
        return group < 4
                ? unsigned(src, at + 4 + group) & 63
                : unsigned(src, at + 4 + group) >> 4 | unsigned(src, at + group) >> 6 << 4;
    }

    /// A run of 32 bytes holds 64 values: byte `i` those of `i` and `i + 32`.
    private static int fourBits(MemorySegment src, long at, int k) {
        return unsigned(src, at + k / 64 * 32L + k % 32) >> (k % 64 / 32 * 4) & 15;
    }

    /// Twice 64 bytes of two lower halves, twice 32 bytes of four upper two bits, sixteen signed bytes of
    /// scales, `d`; values from -32 on. Of 128 values, byte `i` holds the lower halves of `i` and `i + 64`,
    /// and the upper bits of `i`, `i + 32`, `i + 64` and `i + 96`.
    static void decodeQ6(MemorySegment src, long at, float[] dst, int to) {
        float d = half(src, at + 208);
        for (int k = 0; k < ELEMENTS; k++) {
            float scale = d * src.get(ValueLayout.JAVA_BYTE, at + 192 + k / 16);
            int low = unsigned(src, at + k / 128 * 64L + k % 64) >> (k % 128 / 64 * 4) & 15;
            int high = twoBits(src, at + 128, k);
            dst[to + k] = scale * ((low | high << 4) - 32);
        }
    }
}
