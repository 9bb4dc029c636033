package io.moetier.engine.device.cpu;

import static io.moetier.engine.device.cpu.Lanes.F;
import static io.moetier.engine.device.cpu.Lanes.I;
import static io.moetier.engine.device.cpu.Lanes.LITTLE;
import static io.moetier.engine.device.cpu.Lanes.WIDTH;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.moetier.engine.tensor.WeightMatrix;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// Decodes super-blocks to a [WeightPanel].
///
/// Scales, and the offsets of `Q4_K` and `Q5_K`, are products of numbers of 11 and 6 bits and exact. Weights
/// of `Q6_K` are multiplied by their own scales, of which there are two in a block.
final class SuperBlockPanel {
    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final int BLOCK = VectorColumns.BLOCK;

    private SuperBlockPanel() {}

    static void q4(MemorySegment bytes, long at, float[] weights, int to, float[] scales, int scalesTo) {
        scales(bytes, at, weights, to, scales, scalesTo);
        for (int b = 0; b < WeightPanel.BLOCKS; b += 2) {
            WeightPanel.nibbles(bytes, at + 320 + 256L * b, 8, 0f, weights, to + b * BLOCK * ROWS);
        }
    }

    static void q5(MemorySegment bytes, long at, float[] weights, int to, float[] scales, int scalesTo) {
        q4(bytes, at, weights, to, scales, scalesTo);
        for (int b = 0; b < WeightPanel.BLOCKS; b++) {
            for (int i = 0; i < BLOCK / 4 * ROWS; i += WIDTH) {
                IntVector v = IntVector.fromMemorySegment(I, bytes, at + 2368 + 4L * i, LITTLE)
                        .lanewise(LSHR, b);
                for (int j = 0; j < 4; j++) {
                    int place = to + (b * BLOCK + i / ROWS * 4 + j) * ROWS + i % ROWS;
                    FloatVector fifth =
                            Lanes.floats(v.lanewise(LSHR, 8 * j).and(1)).mul(16f);
                    fifth.add(FloatVector.fromArray(F, weights, place)).intoArray(weights, place);
                }
            }
        }
    }

    private static void scales(MemorySegment bytes, long at, float[] weights, int to, float[] scales, int scalesTo) {
        for (int lane = 0; lane < ROWS; lane += WIDTH) {
            FloatVector d = Lanes.halves(bytes, at + 2L * lane).mul(Lanes.HALF_BIAS);
            FloatVector offset = Lanes.halves(bytes, at + 32 + 2L * lane).mul(-Lanes.HALF_BIAS);
            for (int b = 0; b < WeightPanel.BLOCKS; b++) {
                Lanes.bytes(bytes, at + 64 + 16L * b + lane).mul(d).intoArray(scales, scalesTo + b * ROWS + lane);
                IntVector pair = Lanes.bytePairs(bytes, at + 192 + 16L * (b & ~1) + 2L * lane);
                FloatVector factor =
                        Lanes.floats(pair.lanewise(LSHR, 8 * (b & 1)).and(63));
                factor.mul(offset).intoArray(weights, to + WeightPanel.OFFSETS + b * ROWS + lane);
            }
        }
    }

    static void q6(MemorySegment bytes, long at, float[] weights, int to, float[] scales, int scalesTo) {
        for (int b = 0; b < WeightPanel.BLOCKS; b++) {
            WeightPanel.scales(bytes, at, scales, scalesTo + b * ROWS);
            long half = at + 288 + 1536L * (b / 4);
            int shift = b % 4 / 2 * 4;
            for (int i = 0; i < BLOCK / 4 * ROWS; i += WIDTH) {
                IntVector low = IntVector.fromMemorySegment(I, bytes, half + 512L * (b % 2) + 4L * i, LITTLE)
                        .lanewise(LSHR, shift);
                IntVector high = IntVector.fromMemorySegment(I, bytes, half + 1024 + 4L * i, LITTLE)
                        .lanewise(LSHR, b % 4 * 2);
                FloatVector scale = Lanes.bytes(bytes, at + 32 + 16L * (2 * b + i / (4 * ROWS)) + i % ROWS);
                for (int j = 0; j < 4; j++) {
                    IntVector bits = high.lanewise(LSHR, 8 * j).and(3).lanewise(LSHL, 4);
                    IntVector six = low.lanewise(LSHR, 8 * j).and(15).or(bits);
                    int first = to + (b * BLOCK + i / ROWS * 4 + j) * ROWS + i % ROWS;
                    Lanes.floats(six.sub(32)).mul(scale).intoArray(weights, first);
                }
            }
        }
    }
}
