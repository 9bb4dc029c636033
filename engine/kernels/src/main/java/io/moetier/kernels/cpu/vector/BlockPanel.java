package io.moetier.kernels.cpu.vector;

import static io.moetier.kernels.cpu.arithmetic.Lanes.I;
import static io.moetier.kernels.cpu.arithmetic.Lanes.LITTLE;
import static io.moetier.kernels.cpu.arithmetic.Lanes.WIDTH;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.moetier.kernels.cpu.arithmetic.Lanes;
import io.moetier.kernels.tensor.WeightMatrix;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// Decodes blocks of 32 to a [WeightPanel].
final class BlockPanel {
    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final int BLOCK = VectorColumns.BLOCK;

    private BlockPanel() {}

    /// Reads the float16 scales of sixteen rows.
    static void scales(MemorySegment bytes, long at, float[] scales, int to) {
        for (int lane = 0; lane < ROWS; lane += WIDTH) {
            Lanes.halves(bytes, at + 2L * lane).mul(Lanes.HALF_BIAS).intoArray(scales, to + lane);
        }
    }

    static void q8(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int k = 0; k < depth; k += BLOCK) {
            long block = at + Blocks.Q8_0_BYTES * (k / BLOCK);
            scales(bytes, block, scales, scalesTo + k / BLOCK * ROWS);
            for (int i = 0; i < BLOCK / 4 * ROWS; i += WIDTH) {
                IntVector v = IntVector.fromMemorySegment(I, bytes, block + Blocks.Q8_0_WEIGHTS + 4L * i, LITTLE);
                int first = to + (k + i / ROWS * 4) * ROWS + i % ROWS;
                Lanes.bytes(v, 0).intoArray(weights, first);
                Lanes.bytes(v, 1).intoArray(weights, first + ROWS);
                Lanes.bytes(v, 2).intoArray(weights, first + 2 * ROWS);
                Lanes.bytes(v, 3).intoArray(weights, first + 3 * ROWS);
            }
        }
    }

    static void q4(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int k = 0; k < depth; k += BLOCK) {
            long block = at + Blocks.Q4_0_BYTES * (k / BLOCK);
            scales(bytes, block, scales, scalesTo + k / BLOCK * ROWS);
            nibbles(bytes, block + Blocks.Q4_0_WEIGHTS, BLOCK / 8, 8f, weights, to + k * ROWS);
        }
    }

    static void q4WithOffsets(
            MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int k = 0; k < depth; k += BLOCK) {
            long block = at + Blocks.Q4_1_BYTES * (k / BLOCK);
            int first = k / BLOCK * ROWS;
            scales(bytes, block, scales, scalesTo + first);
            scales(bytes, block + Blocks.Q4_1_OFFSETS, weights, to + WeightPanel.OFFSETS + first);
            nibbles(bytes, block + Blocks.Q4_1_WEIGHTS, BLOCK / 8, 0f, weights, to + k * ROWS);
        }
    }

    static void q5(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int k = 0; k < depth; k += BLOCK) {
            long block = at + Blocks.Q5_0_BYTES * (k / BLOCK);
            scales(bytes, block, scales, scalesTo + k / BLOCK * ROWS);
            fiveBits(bytes, block + Blocks.Q5_0_FIFTH_BITS, block + Blocks.Q5_0_WEIGHTS, 16, weights, to + k * ROWS);
        }
    }

    static void q5WithOffsets(
            MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int k = 0; k < depth; k += BLOCK) {
            long block = at + Blocks.Q5_1_BYTES * (k / BLOCK);
            int first = k / BLOCK * ROWS;
            scales(bytes, block, scales, scalesTo + first);
            scales(bytes, block + Blocks.Q5_1_OFFSETS, weights, to + WeightPanel.OFFSETS + first);
            fiveBits(bytes, block + Blocks.Q5_1_FIFTH_BITS, block + Blocks.Q5_1_WEIGHTS, 0, weights, to + k * ROWS);
        }
    }

    /// Decodes a block whose fifth bits are at `fifths` and whose nibbles are at `nibbles`.
    private static void fiveBits(MemorySegment bytes, long fifths, long nibbles, int zero, float[] weights, int to) {
        for (int i = 0; i < BLOCK / 8 * ROWS; i += WIDTH) {
            IntVector v = IntVector.fromMemorySegment(I, bytes, nibbles + 4L * i, LITTLE);
            IntVector bits = IntVector.fromMemorySegment(I, bytes, fifths + 4L * (i % ROWS), LITTLE)
                    .lanewise(LSHR, i / ROWS);
            for (int j = 0; j < 8; j++) { // the lower halves of four bytes, then the upper ones
                IntVector fifth = bits.lanewise(LSHR, 8 * (j % 4) + j / 4 * 4).and(1);
                IntVector four = v.lanewise(LSHR, 8 * (j % 4) + j / 4 * 4).and(15);
                int first = to + (j / 4 * (BLOCK / 2) + i / ROWS * 4 + j % 4) * ROWS + i % ROWS;
                ((FloatVector) fifth.lanewise(LSHL, 4).or(four).sub(zero).convert(I2F, 0)).intoArray(weights, first);
            }
        }
    }

    /// Decodes the halves of the bytes of `quads` elements `[16][4]`: the lower ones to `4 * quads` columns,
    /// the upper ones to as many after them.
    static void nibbles(MemorySegment bytes, long at, int quads, float zero, float[] weights, int to) {
        int upper = 4 * quads * ROWS;
        for (int i = 0; i < quads * ROWS; i += WIDTH) {
            IntVector v = IntVector.fromMemorySegment(I, bytes, at + 4L * i, LITTLE);
            for (int j = 0; j < 4; j++) {
                IntVector bits = v.lanewise(LSHR, 8 * j);
                int low = to + (i / ROWS * 4 + j) * ROWS + i % ROWS;
                Lanes.nibbles(bits, 0).sub(zero).intoArray(weights, low);
                Lanes.nibbles(bits, 1).sub(zero).intoArray(weights, low + upper);
            }
        }
    }

    static void fp4(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int k = 0; k < depth; k += BLOCK) {
            long block = at + Blocks.MXFP4_BYTES * (k / BLOCK);
            for (int lane = 0; lane < ROWS; lane += WIDTH) {
                Lanes.powers(bytes, block + lane).intoArray(scales, scalesTo + k / BLOCK * ROWS + lane);
            }
            for (int i = 0; i < BLOCK / 8 * ROWS; i += WIDTH) {
                for (int half = 0; half < 2; half++) {
                    IntVector twice =
                            Lanes.lookUp(bytes, block + Blocks.MXFP4_WEIGHTS + 4L * i, 4 * half, Lanes.TWICE_FP4);
                    int column = to + (k + half * BLOCK / 2 + i / ROWS * 4) * ROWS + i % ROWS;
                    Lanes.bytes(twice, 0).mul(0.5f).intoArray(weights, column);
                    Lanes.bytes(twice, 1).mul(0.5f).intoArray(weights, column + ROWS);
                    Lanes.bytes(twice, 2).mul(0.5f).intoArray(weights, column + 2 * ROWS);
                    Lanes.bytes(twice, 3).mul(0.5f).intoArray(weights, column + 3 * ROWS);
                }
            }
        }
    }

    static void nl(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int k = 0; k < depth; k += BLOCK) {
            long block = at + Blocks.IQ4_NL_BYTES * (k / BLOCK);
            scales(bytes, block, scales, scalesTo + k / BLOCK * ROWS);
            codes(bytes, block + Blocks.IQ4_NL_WEIGHTS, weights, to + k * ROWS);
        }
    }

    /// Decodes the codes of a block of `IQ4_NL` or `IQ4_XS`.
    static void codes(MemorySegment bytes, long at, float[] weights, int to) {
        for (int i = 0; i < BLOCK / 8 * ROWS; i += WIDTH) {
            for (int half = 0; half < 2; half++) {
                IntVector values = Lanes.lookUp(bytes, at + 4L * i, 4 * half, Lanes.IQ4);
                int column = to + (half * BLOCK / 2 + i / ROWS * 4) * ROWS + i % ROWS;
                Lanes.bytes(values, 0).intoArray(weights, column);
                Lanes.bytes(values, 1).intoArray(weights, column + ROWS);
                Lanes.bytes(values, 2).intoArray(weights, column + 2 * ROWS);
                Lanes.bytes(values, 3).intoArray(weights, column + 3 * ROWS);
            }
        }
    }
}
