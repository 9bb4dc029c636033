package io.moetier.kernels.cpu.vector;

import static io.moetier.kernels.cpu.arithmetic.Lanes.B;
import static io.moetier.kernels.cpu.arithmetic.Lanes.F;
import static io.moetier.kernels.cpu.arithmetic.Lanes.HALF_S;
import static io.moetier.kernels.cpu.arithmetic.Lanes.I;
import static io.moetier.kernels.cpu.arithmetic.Lanes.LITTLE;
import static io.moetier.kernels.cpu.arithmetic.Lanes.WIDTH;
import static jdk.incubator.vector.VectorOperators.B2F;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.S2I;

import io.moetier.kernels.cpu.arithmetic.Lanes;
import io.moetier.kernels.tensor.WeightMatrix;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/// Decodes super-blocks to a [WeightPanel].
///
/// Scales, and the offsets of `Q4_K` and `Q5_K`, are products of numbers of 11 and 6 bits and exact. Weights
/// of `Q6_K` are multiplied by their own scales, of which there are two in a block.
final class SuperBlockPanel {
    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final int BLOCK = VectorColumns.BLOCK;

    private SuperBlockPanel() {}

    static void q4(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int b = 0; b < WeightPanel.BLOCKS; b += 2) {
            BlockPanel.nibbles(bytes, at + SuperBlockGemv.WEIGHTS + 256L * b, 8, 0f, weights, to + b * BLOCK * ROWS);
        }
        scales(bytes, at, weights, to, scales, scalesTo);
    }

    static void q5(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int b = 0; b < WeightPanel.BLOCKS; b++) {
            long block = at + SuperBlockGemv.WEIGHTS + 512L * (b / 2);
            for (int i = 0; i < BLOCK / 4 * ROWS; i += WIDTH) {
                IntVector low = IntVector.fromMemorySegment(I, bytes, block + 4L * i, LITTLE)
                        .lanewise(LSHR, b % 2 * 4);
                IntVector high = IntVector.fromMemorySegment(I, bytes, at + SuperBlockGemv.FIFTH_BITS + 4L * i, LITTLE)
                        .lanewise(LSHR, b);
                for (int j = 0; j < 4; j++) {
                    IntVector bits = high.lanewise(LSHR, 8 * j).and(1).lanewise(LSHL, 4);
                    IntVector five = low.lanewise(LSHR, 8 * j).and(15).or(bits);
                    int first = to + (b * BLOCK + i / ROWS * 4 + j) * ROWS + i % ROWS;
                    ((FloatVector) five.convert(I2F, 0)).intoArray(weights, first);
                }
            }
        }
        scales(bytes, at, weights, to, scales, scalesTo);
    }

    /// Calls none of the methods of [Lanes], which the compiler would not inline so late in a method.
    private static void scales(MemorySegment w, long at, float[] weights, int to, float[] scales, int scalesTo) {
        for (int i = 0; i < WeightPanel.BLOCKS * ROWS; i += WIDTH) {
            int lane = i % ROWS;
            int pair = i / ROWS / 2;
            int shift = i / ROWS % 2 * 8;
            IntVector d = (IntVector) ShortVector.fromMemorySegment(HALF_S, w, at + 2L * lane, LITTLE)
                    .convertShape(S2I, I, 0);
            FloatVector scale = (FloatVector) ByteVector.fromMemorySegment(B, w, at + SuperBlockGemv.SCALES + i, LITTLE)
                    .convertShape(B2F, F, 0);
            scale.mul(d.lanewise(LSHL, 13).and(0x8FFFE000).reinterpretAsFloats().mul(Lanes.HALF_BIAS))
                    .intoArray(scales, scalesTo + i);
            d = (IntVector) ShortVector.fromMemorySegment(HALF_S, w, at + SuperBlockGemv.DMIN + 2L * lane, LITTLE)
                    .convertShape(S2I, I, 0);
            IntVector factors = (IntVector)
                    ShortVector.fromMemorySegment(HALF_S, w, at + SuperBlockGemv.MINS + 32L * pair + 2L * lane, LITTLE)
                            .convertShape(S2I, I, 0);
            ((FloatVector) factors.lanewise(LSHR, shift).and(63).convert(I2F, 0))
                    .mul(d.lanewise(LSHL, 13)
                            .and(0x8FFFE000)
                            .reinterpretAsFloats()
                            .mul(-Lanes.HALF_BIAS))
                    .intoArray(weights, to + WeightPanel.OFFSETS + i);
        }
    }

    static void q6(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int b = 0; b < WeightPanel.BLOCKS; b++) {
            BlockPanel.scales(bytes, at, scales, scalesTo + b * ROWS);
            long half = at + SuperBlockGemv.LOWER_BITS + (long) SuperBlockGemv.HALF * (b / 4);
            int shift = b % 4 / 2 * 4;
            for (int i = 0; i < BLOCK / 4 * ROWS; i += WIDTH) {
                IntVector low = IntVector.fromMemorySegment(I, bytes, half + 512L * (b % 2) + 4L * i, LITTLE)
                        .lanewise(LSHR, shift);
                IntVector high = IntVector.fromMemorySegment(
                                I, bytes, half + SuperBlockGemv.UPPER_BITS + 4L * i, LITTLE)
                        .lanewise(LSHR, b % 4 * 2);
                FloatVector scale =
                        Lanes.bytes(bytes, at + SuperBlockGemv.SIX_SCALES + 16L * (2 * b + i / (4 * ROWS)) + i % ROWS);
                for (int j = 0; j < 4; j++) {
                    IntVector bits = high.lanewise(LSHR, 8 * j).and(3).lanewise(LSHL, 4);
                    IntVector six = low.lanewise(LSHR, 8 * j).and(15).or(bits);
                    int first = to + (b * BLOCK + i / ROWS * 4 + j) * ROWS + i % ROWS;
                    ((FloatVector) six.sub(32).convert(I2F, 0)).mul(scale).intoArray(weights, first);
                }
            }
        }
    }

    static void xs(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int b = 0; b < WeightPanel.BLOCKS; b++) {
            for (int lane = 0; lane < ROWS; lane += WIDTH) {
                FloatVector d = Lanes.halves(bytes, at + 2L * lane).mul(Lanes.HALF_BIAS);
                Lanes.bytes(bytes, at + Blocks.IQ4_XS_SCALES + 16L * b + lane)
                        .mul(d)
                        .intoArray(scales, scalesTo + b * ROWS + lane);
            }
            BlockPanel.codes(bytes, at + Blocks.IQ4_XS_WEIGHTS + 256L * b, weights, to + b * BLOCK * ROWS);
        }
    }
}
