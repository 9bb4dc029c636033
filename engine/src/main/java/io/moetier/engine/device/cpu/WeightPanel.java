package io.moetier.engine.device.cpu;

import static io.moetier.engine.device.cpu.Lanes.F;
import static io.moetier.engine.device.cpu.Lanes.I;
import static io.moetier.engine.device.cpu.Lanes.LITTLE;
import static io.moetier.engine.device.cpu.Lanes.WIDTH;

import io.moetier.engine.tensor.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// Up to 256 columns of one or two tiles of r16 weights, decoded to float32.
///
/// Weights lie `[tile][column][16]` and sixteen scales for each 32 columns `[tile][block][16]`, in the scratch memory
/// of
/// a thread. Weights of quantised types are the whole numbers that are left when the scale is taken out.
final class WeightPanel {
    /// Columns of a panel: two tiles of them fit into the first-level cache, and it is a super-block.
    static final int COLUMNS = 256;

    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final int BLOCK = VectorColumns.BLOCK;
    private static final int BLOCKS = COLUMNS / BLOCK;

    /// Floats from one tile to the next.
    static final int TILE = COLUMNS * ROWS;

    /// Scales from one tile to the next.
    static final int TILE_SCALES = BLOCKS * ROWS;

    /// The scales of what has none.
    static final float[] ONES = new float[ROWS];

    static {
        Arrays.fill(ONES, 1f);
    }

    private WeightPanel() {}

    /// Decodes `depth` columns from `first` on, a multiple of [#COLUMNS], as the first or second tile of the panel.
    static void decode(WeightMatrix w, int tile, int first, int depth, Scratch scratch, int place) {
        float[] weights = scratch.weights(2 * TILE);
        float[] scales = scratch.scales(2 * TILE_SCALES);
        int to = place * TILE;
        int scalesTo = place * TILE_SCALES;
        MemorySegment bytes = w.bytes();
        long at = tile * WeightMatrix.tileBytes(w.dtype(), w.cols());
        switch (w.dtype()) {
            case F32 -> f32(bytes, at + 64L * first, depth, weights, to);
            case F16 -> f16(bytes, at + 32L * first, depth, weights, to);
            case BF16 -> bf16(bytes, at + 32L * first, depth, weights, to);
            case Q8_0 -> q8(bytes, at + 17L * first, depth, weights, to, scales, scalesTo);
            case Q4_0 -> q4(bytes, at + 9L * first, depth, weights, to, scales, scalesTo);
            default ->
                throw new IllegalArgumentException(
                        "no vector kernel for " + w.dtype().label());
        }
        if (w.dtype().blockElements() == 1) {
            Arrays.fill(scales, scalesTo, scalesTo + TILE_SCALES, 1f);
        }
    }

    private static void f32(MemorySegment bytes, long at, int depth, float[] weights, int to) {
        for (int i = 0; i < depth * ROWS; i += WIDTH) {
            FloatVector.fromMemorySegment(F, bytes, at + 4L * i, LITTLE).intoArray(weights, to + i);
        }
    }

    private static void f16(MemorySegment bytes, long at, int depth, float[] weights, int to) {
        for (int i = 0; i < depth * ROWS; i += WIDTH) {
            Lanes.halves(bytes, at + 2L * i).mul(Lanes.HALF_BIAS).intoArray(weights, to + i);
        }
    }

    /// An odd column is followed by one of padding, for which there is room.
    private static void bf16(MemorySegment bytes, long at, int depth, float[] weights, int to) {
        for (int i = 0; i < (depth + 1) / 2 * ROWS; i += WIDTH) {
            IntVector v = IntVector.fromMemorySegment(I, bytes, at + 4L * i, LITTLE);
            int first = to + i / ROWS * 2 * ROWS + i % ROWS;
            Lanes.even(v).intoArray(weights, first);
            Lanes.odd(v).intoArray(weights, first + ROWS);
        }
    }

    private static void scales(MemorySegment bytes, long at, float[] scales, int to) {
        for (int lane = 0; lane < ROWS; lane += WIDTH) {
            Lanes.halves(bytes, at + 2L * lane).mul(Lanes.HALF_BIAS).intoArray(scales, to + lane);
        }
    }

    private static void q8(
            MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int k = 0; k < depth; k += BLOCK) {
            long block = at + 17L * k;
            scales(bytes, block, scales, scalesTo + k / BLOCK * ROWS);
            for (int i = 0; i < BLOCK / 4 * ROWS; i += WIDTH) {
                IntVector v = IntVector.fromMemorySegment(I, bytes, block + 32 + 4L * i, LITTLE);
                int first = to + (k + i / ROWS * 4) * ROWS + i % ROWS;
                Lanes.bytes(v, 0).intoArray(weights, first);
                Lanes.bytes(v, 1).intoArray(weights, first + ROWS);
                Lanes.bytes(v, 2).intoArray(weights, first + 2 * ROWS);
                Lanes.bytes(v, 3).intoArray(weights, first + 3 * ROWS);
            }
        }
    }

    private static void q4(
            MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int k = 0; k < depth; k += BLOCK) {
            long block = at + 9L * k;
            scales(bytes, block, scales, scalesTo + k / BLOCK * ROWS);
            for (int i = 0; i < BLOCK / 8 * ROWS; i += WIDTH) {
                IntVector v = IntVector.fromMemorySegment(I, bytes, block + 32 + 4L * i, LITTLE);
                int low = to + (k + i / ROWS * 4) * ROWS + i % ROWS;
                int high = low + BLOCK / 2 * ROWS;
                Lanes.nibbles(v, 0).sub(8f).intoArray(weights, low);
                Lanes.nibbles(v, 1).sub(8f).intoArray(weights, high);
                Lanes.nibbles(v, 2).sub(8f).intoArray(weights, low + ROWS);
                Lanes.nibbles(v, 3).sub(8f).intoArray(weights, high + ROWS);
                Lanes.nibbles(v, 4).sub(8f).intoArray(weights, low + 2 * ROWS);
                Lanes.nibbles(v, 5).sub(8f).intoArray(weights, high + 2 * ROWS);
                Lanes.nibbles(v, 6).sub(8f).intoArray(weights, low + 3 * ROWS);
                Lanes.nibbles(v, 7).sub(8f).intoArray(weights, high + 3 * ROWS);
            }
        }
    }
}
