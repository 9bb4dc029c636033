package io.moetier.kernels.tensor;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;

/// Turns floats of a row into the blocks of a type, as ggml stores them. Not thread-safe.
@FunctionalInterface
interface RowEncoder {
    /// Most values that are turned at a time, a whole number of blocks of every type.
    int STRIP = 2048;

    /// Largest float16.
    float LARGEST_HALF = 65504f;

    /// Has errors of the columns from `from` on, which are encoded next, count as much as these say. By itself all
    /// count the same.
    ///
    /// @param importance of each column, about 1
    default void weigh(float[] importance, int from) {}

    /// Writes the first `length` values, whole blocks and at most [#STRIP], to the beginning of `blocks`.
    void encode(float[] values, int length, byte[] blocks);

    /// Returns whether anything can be turned into a type.
    static boolean makes(DType target) {
        return switch (target) {
            case F32, Q8_0, Q4_0, Q4_K, Q6_K -> true;
            default -> false;
        };
    }

    /// Returns a new encoder.
    ///
    /// @throws IllegalArgumentException if nothing but itself becomes `target`
    static RowEncoder of(DType target) {
        return switch (target) {
            case F32 -> RowEncoder::encodeFloats;
            case Q8_0 -> new Q8Encoder();
            case Q4_0 -> new Q4Encoder();
            case Q4_K -> new Q4KEncoder();
            case Q6_K -> new Q6KEncoder();
            default -> throw new IllegalArgumentException("nothing is turned into " + target.label());
        };
    }

    private static void encodeFloats(float[] values, int length, byte[] floats) {
        MemorySegment.copy(values, 0, MemorySegment.ofArray(floats), LittleEndian.FLOAT, 0, length);
    }

    /// Writes a float16, of those that are finite the nearest.
    ///
    /// @return what was written
    static float putHalf(float value, byte[] blocks, int at) {
        short half = Float.floatToFloat16(Math.clamp(value, -LARGEST_HALF, LARGEST_HALF));
        blocks[at] = (byte) half;
        blocks[at + 1] = (byte) (half >> 8);
        return Float.float16ToFloat(half);
    }
}
