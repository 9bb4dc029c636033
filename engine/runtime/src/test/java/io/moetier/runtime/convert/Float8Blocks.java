package io.moetier.runtime.convert;

import java.util.List;

/// A matrix in floats of eight bits (E4M3), with a factor for each block of it that is a power of two, so that what it
/// stands for is exact in bfloat16.
@SuppressWarnings("ArrayRecordComponent") // nobody compares matrices
record Float8Blocks(byte[] codes, float[] scales, List<Long> scalesShape, float[] values) {
    static Float8Blocks of(float[] matrix, int cols, int blockRows, int blockCols) {
        int rows = matrix.length / cols;
        int down = (rows + blockRows - 1) / blockRows;
        int across = (cols + blockCols - 1) / blockCols;
        byte[] codes = new byte[matrix.length];
        float[] scales = new float[down * across];
        float[] values = new float[matrix.length];
        for (int block = 0; block < scales.length; block++) {
            scales[block] = Math.scalb(1f, -12 - block % 3);
        }
        for (int i = 0; i < matrix.length; i++) {
            float scale = scales[i / cols / blockRows * across + i % cols / blockCols];
            codes[i] = (byte) nearest(matrix[i] / scale);
            values[i] = value(codes[i]) * scale;
        }
        return new Float8Blocks(codes, scales, List.of((long) down, (long) across), values);
    }

    private static int nearest(float x) {
        int best = 0;
        for (int code = 0; code < 256; code++) {
            if ((code & 0x7F) != 0x7F && Math.abs(value(code) - x) < Math.abs(value(best) - x)) {
                best = code;
            }
        }
        return best;
    }

    private static float value(int code) {
        int exponent = (code >> 3) & 15;
        float fraction = (code & 7) / 8f;
        float size = exponent == 0 ? Math.scalb(fraction, -6) : Math.scalb(1 + fraction, exponent - 7);
        return (code & 0x80) == 0 ? size : -size;
    }
}
