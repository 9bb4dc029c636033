package io.moetier.engine.device.cpu;

import io.moetier.storage.model.DType;

/// Activations as the vector kernels read them.
///
/// Several columns lie `[columns / 8][cols][8]`. Where weights have four to six bits, activations are rounded to whole
/// numbers of at most 127, with a scale for each 32 of them, `[columns / 8][cols / 32][8]`; a product of two such
/// numbers fits into 16 bits, of which a vector holds twice as many.
///
/// The only column of a decode step is as it was, float16 weights asking for another scale; or it is rounded and lies
/// in
/// pairs of 16 bits, each pair in the bits of a float: `x[4i]` and `x[4i + 2]`, then `x[4i + 1]` and `x[4i + 3]`, which
/// is how the bytes of a row lie in lanes of 16 bits. A float, because the compiler broadcasts one from memory and an
/// int by way of a register.
final class VectorColumns {
    /// Activations that share a scale.
    static final int BLOCK = 32;

    static final int TOGETHER = 8; // divides Arithmetic.COLUMNS_TOGETHER
    private static final int PAIRS = BLOCK / 2;
    private static final float LARGEST = 127f;

    /// Added and taken away again, it rounds a small float to the next whole number, a tie to the even one.
    private static final float ROUNDER = 0x1.8p23f;

    private VectorColumns() {}

    /// Says whether activations are rounded for weights of a type.
    static boolean quantises(DType dtype) {
        return switch (dtype) {
            case Q4_0 -> true;
            default -> false;
        };
    }

    /// As [Arithmetic#reserve].
    static void reserve(DType dtype, int cols, int n, PackedColumns to) {
        int columns = n == 1 ? 1 : (n + TOGETHER - 1) / TOGETHER * TOGETHER;
        int numFloats = Math.multiplyExact(columns, cols);
        int blocks = quantises(dtype) ? numFloats / BLOCK : 0;
        to.reserve(n, cols, numFloats, 0, blocks, n == 1 ? blocks : 0);
    }

    /// As [Arithmetic#pack].
    static void pack(DType dtype, float[] x, int xAt, PackedColumns to, int column) {
        boolean alone = to.n == 1;
        int at = alone ? 0 : column / TOGETHER * TOGETHER * to.cols + column % TOGETHER;
        if (quantises(dtype)) {
            int scalesAt = alone ? 0 : column / TOGETHER * TOGETHER * (to.cols / BLOCK) + column % TOGETHER;
            for (int b = 0; b < to.cols / BLOCK; b++) {
                if (alone) {
                    quantisePairs(x, xAt + b * BLOCK, to, b);
                } else {
                    quantise(x, xAt + b * BLOCK, to, at + b * BLOCK * TOGETHER, scalesAt + b * TOGETHER);
                }
            }
        } else if (alone) {
            float scale = dtype == DType.F16 ? VectorGemv.HALF_SCALE : 1f;
            for (int k = 0; k < to.cols; k++) {
                to.floats[k] = x[xAt + k] * scale;
            }
        } else {
            for (int k = 0; k < to.cols; k++) {
                to.floats[at + k * TOGETHER] = x[xAt + k];
            }
        }
    }

    private static float largest(float[] x, int at) {
        float largest = 0;
        for (int k = 0; k < BLOCK; k++) {
            largest = Math.max(largest, Math.abs(x[at + k]));
        }
        return largest;
    }

    private static void quantise(float[] x, int xAt, PackedColumns to, int at, int scaleAt) {
        float largest = largest(x, xAt);
        float inverse = inverse(largest);
        for (int k = 0; k < BLOCK; k++) {
            to.floats[at + k * TOGETHER] = rounded(x[xAt + k] * inverse);
        }
        to.scales[scaleAt] = largest / LARGEST;
    }

    private static void quantisePairs(float[] x, int xAt, PackedColumns to, int block) {
        float largest = largest(x, xAt);
        float inverse = inverse(largest);
        int sum = 0;
        for (int i = 0; i < PAIRS; i++) {
            int k = xAt + i / 2 * 4 + i % 2;
            int low = (int) rounded(x[k] * inverse);
            int high = (int) rounded(x[k + 2] * inverse);
            to.floats[block * PAIRS + i] = Float.intBitsToFloat((high << 16) | (low & 0xFFFF));
            sum += low + high;
        }
        to.scales[block] = largest / LARGEST;
        to.sums[block] = sum;
    }

    private static float inverse(float largest) {
        return largest == 0 ? 0 : LARGEST / largest;
    }

    private static float rounded(float x) {
        return x + ROUNDER - ROUNDER;
    }
}
