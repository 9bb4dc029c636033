package io.moetier.kernels.cpu.vector;

import static io.moetier.kernels.cpu.arithmetic.Lanes.F;
import static io.moetier.kernels.cpu.arithmetic.Lanes.WIDTH;
import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.MAX;

import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.storage.model.DType;
import jdk.incubator.vector.FloatVector;

/// Activations as the vector kernels read them.
///
/// Several columns lie `[columns / 8][cols / 32][8][32]`. Where weights are whole numbers of four to six bits,
/// activations are rounded to whole numbers of at most 127, with a scale for each 32 of them, `[columns / 8][cols /
/// 32][8]`; a product of two such numbers fits into 16 bits, of which a vector holds twice as many. After the
/// scales come the sums of the 32, each times its scale.
///
/// The only column of a decode step is as it was, float16 weights asking for another scale; or it is rounded
/// and lies in pairs of 16 bits, each pair in the bits of a float: `x[4i]` and `x[4i + 2]`, then `x[4i + 1]`
/// and `x[4i + 3]`, which is how the bytes of a row lie in lanes of 16 bits. A float, because the compiler
/// broadcasts one from memory and an int by way of a register.
final class VectorColumns {
    /// Activations that share a scale.
    static final int BLOCK = 32;

    /// Columns that lie together; divides [io.moetier.kernels.cpu.arithmetic.Arithmetic#COLUMNS_TOGETHER].
    static final int TOGETHER = 8;

    private static final int PAIRS = BLOCK / 2;
    private static final float LARGEST = 127f;

    /// A block with no larger activation is zero: the reciprocal of its scale would overflow.
    private static final float SMALLEST = 1e-35f;

    /// Added to a small float, it rounds to the next whole number, a tie to the even one, and leaves that in
    /// the lower bits.
    private static final float ROUNDER = 0x1.8p23f;

    private VectorColumns() {}

    /// Says whether activations are rounded for weights of a type.
    static boolean rounds(DType dtype) {
        return switch (dtype) {
            case Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K -> true;
            default -> false;
        };
    }

    /// Returns where block `block` of column `column` is, a multiple of eight and one of several.
    static int at(PackedColumns columns, int column, int block) {
        return BLOCK * scaleAt(columns, column, block);
    }

    /// Returns where the scale of block `block` of column `column` is, a multiple of eight and one of
    /// several.
    static int scaleAt(PackedColumns columns, int column, int block) {
        return TOGETHER * (column / TOGETHER * blocks(columns.cols) + block);
    }

    /// Returns where the sums start in the array of scales.
    static int sumsAt(PackedColumns columns) {
        return numScales(columns.cols, columns.n);
    }

    private static int blocks(int cols) {
        return (cols + BLOCK - 1) / BLOCK;
    }

    private static int numScales(int cols, int n) {
        int columns = n == 1 ? 1 : (n + TOGETHER - 1) / TOGETHER * TOGETHER;
        return Math.multiplyExact(columns, blocks(cols));
    }

    /// As [io.moetier.kernels.cpu.arithmetic.Arithmetic#reserve].
    static void reserve(DType dtype, int cols, int n, PackedColumns to) {
        int numScales = numScales(cols, n);
        int room = BLOCK; // for the block that is made into pairs
        int numFloats = Math.addExact(Math.multiplyExact(numScales, BLOCK), room);
        to.reserve(n, cols, numFloats, 0, rounds(dtype) ? 2 * numScales : 0, rounds(dtype) && n == 1 ? numScales : 0);
    }

    /// As [io.moetier.kernels.cpu.arithmetic.Arithmetic#pack].
    static void pack(DType dtype, float[] x, int xAt, PackedColumns to, int column) {
        if (to.n == 1) {
            packAlone(dtype, x, xAt, to);
            return;
        }
        int sumsAt = sumsAt(to);
        for (int k = 0; k < to.cols; k += BLOCK) {
            int at = at(to, column, k / BLOCK) + column % TOGETHER * BLOCK;
            if (rounds(dtype)) {
                int scaleAt = scaleAt(to, column, k / BLOCK) + column % TOGETHER;
                float sum = round(x, xAt + k, to.floats, at, ROUNDER, to.scales, scaleAt);
                to.scales[sumsAt + scaleAt] = to.scales[scaleAt] * sum;
            } else {
                System.arraycopy(x, xAt + k, to.floats, at, Math.min(BLOCK, to.cols - k));
            }
        }
    }

    private static void packAlone(DType dtype, float[] x, int xAt, PackedColumns to) {
        if (!rounds(dtype)) {
            float scale = dtype == DType.F16 ? VectorGemv.HALF_SCALE : 1f;
            for (int k = 0; k < to.cols; k++) {
                to.floats[k] = x[xAt + k] * scale;
            }
            return;
        }
        int blocks = blocks(to.cols);
        for (int b = 0; b < blocks; b++) {
            float sum = round(x, xAt + b * BLOCK, to.floats, to.cols, 0, to.scales, b);
            to.scales[blocks + b] = to.scales[b] * sum;
            to.sums[b] = (int) sum;
            pair(to.floats, to.cols, b * PAIRS);
        }
    }

    /// Rounds a block and returns its sum, which is one of whole numbers and exact in any order. What is
    /// written is [#ROUNDER] less `excess` too large.
    private static float round(float[] x, int xAt, float[] rounded, int at, float excess, float[] scales, int scaleAt) {
        FloatVector most = FloatVector.zero(F);
        for (int i = 0; i < BLOCK; i += WIDTH) {
            most = most.max(FloatVector.fromArray(F, x, xAt + i).abs());
        }
        float largest = most.reduceLanes(MAX);
        float inverse = largest < SMALLEST ? 0 : LARGEST / largest;
        FloatVector sum = FloatVector.zero(F);
        for (int i = 0; i < BLOCK; i += WIDTH) {
            FloatVector v = FloatVector.fromArray(F, x, xAt + i).mul(inverse).add(ROUNDER);
            v.sub(excess).intoArray(rounded, at + i);
            sum = sum.add(v.sub(ROUNDER));
        }
        scales[scaleAt] = largest / LARGEST;
        return sum.reduceLanes(ADD);
    }

    /// Makes pairs of whole numbers in the lower bits of the block at `at`.
    private static void pair(float[] floats, int at, int to) {
        for (int k = 0; k < BLOCK; k += 4) {
            int i = to + k / 2;
            floats[i] = pair(floats[at + k], floats[at + k + 2]);
            floats[i + 1] = pair(floats[at + k + 1], floats[at + k + 3]);
        }
    }

    private static float pair(float low, float high) {
        int bits = Float.floatToRawIntBits(low) & 0xFFFF;
        return Float.intBitsToFloat((Float.floatToRawIntBits(high) << 16) | bits);
    }
}
