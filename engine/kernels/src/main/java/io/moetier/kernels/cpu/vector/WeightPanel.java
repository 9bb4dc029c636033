package io.moetier.kernels.cpu.vector;

import static io.moetier.kernels.cpu.arithmetic.Lanes.F;
import static io.moetier.kernels.cpu.arithmetic.Lanes.I;
import static io.moetier.kernels.cpu.arithmetic.Lanes.LITTLE;
import static io.moetier.kernels.cpu.arithmetic.Lanes.WIDTH;

import io.moetier.kernels.cpu.arithmetic.Lanes;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// Up to 256 columns of one or two tiles of r16 weights, decoded to float32.
///
/// Weights lie `[tile][column][16]` and sixteen scales for each 32 columns `[tile][block][16]`, in the
/// scratch memory of a thread. Weights of quantised types are the whole or half numbers that are left when
/// the scale is taken out. A tile's weights are followed by its offsets, if the type has them, which are to
/// be added to the weights of a block.
final class WeightPanel {
    /// Columns of a panel: two tiles of them fit into the first-level cache, and it is a super-block.
    static final int COLUMNS = 256;

    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final int BLOCK = VectorColumns.BLOCK;
    /// Blocks of a panel.
    static final int BLOCKS = COLUMNS / BLOCK;

    /// Where the first tile's offsets are.
    static final int OFFSETS = COLUMNS * ROWS;

    /// Floats from one tile to the next.
    static final int TILE = OFFSETS + BLOCKS * ROWS;

    /// Scales from one tile to the next.
    static final int TILE_SCALES = BLOCKS * ROWS;

    /// The scales of what has none.
    static final float[] ONES = new float[ROWS];

    static {
        Arrays.fill(ONES, 1f);
    }

    private WeightPanel() {}

    /// Says whether the blocks of a type have offsets.
    static boolean hasOffsets(DType dtype) {
        return switch (dtype) {
            case Q4_1, Q5_1, Q4_K, Q5_K -> true;
            default -> false;
        };
    }

    /// Decodes a panel of one tile. A method of its own for each type, as in [VectorGemv].
    private interface Decoder {
        /// @param at where the panel starts
        /// @param depth its columns
        void decode(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo);
    }

    private static Decoder decoder(DType dtype) {
        return switch (dtype) {
            case F32 -> WeightPanel::f32;
            case F16 -> WeightPanel::f16;
            case BF16 -> WeightPanel::bf16;
            case Q8_0 -> BlockPanel::q8;
            case Q4_0 -> BlockPanel::q4;
            case Q4_1 -> BlockPanel::q4WithOffsets;
            case Q5_0 -> BlockPanel::q5;
            case Q5_1 -> BlockPanel::q5WithOffsets;
            case IQ4_NL -> BlockPanel::nl;
            case IQ4_XS -> SuperBlockPanel::xs;
            case MXFP4 -> BlockPanel::fp4;
            case Q4_K -> SuperBlockPanel::q4;
            case Q5_K -> SuperBlockPanel::q5;
            case Q6_K -> SuperBlockPanel::q6;
            default -> throw new IllegalArgumentException("no vector kernel for " + dtype);
        };
    }

    /// Decodes `depth` columns from `first` on, a multiple of [#COLUMNS], as the first or second tile of the
    /// panel.
    static void decode(WeightMatrix w, int tile, int first, int depth, Scratch scratch, int place) {
        float[] weights = scratch.weights(2 * TILE);
        float[] scales = scratch.scales(2 * TILE_SCALES);
        int scalesTo = place * TILE_SCALES;
        long at = tile * WeightMatrix.tileBytes(w.dtype(), w.cols())
                + first / COLUMNS * WeightMatrix.tileBytes(w.dtype(), COLUMNS);
        decoder(w.dtype()).decode(w.bytes(), at, depth, weights, place * TILE, scales, scalesTo);
        if (w.dtype().blockElements() == 1) {
            Arrays.fill(scales, scalesTo, scalesTo + TILE_SCALES, 1f);
        }
    }

    static void f32(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int i = 0; i < depth * ROWS; i += WIDTH) {
            FloatVector.fromMemorySegment(F, bytes, at + 4L * i, LITTLE).intoArray(weights, to + i);
        }
    }

    static void f16(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int i = 0; i < depth * ROWS; i += WIDTH) {
            Lanes.halves(bytes, at + 2L * i).mul(Lanes.HALF_BIAS).intoArray(weights, to + i);
        }
    }

    /// An odd column is followed by one of padding, for which there is room.
    static void bf16(MemorySegment bytes, long at, int depth, float[] weights, int to, float[] scales, int scalesTo) {
        for (int i = 0; i < (depth + 1) / 2 * ROWS; i += WIDTH) {
            IntVector v = IntVector.fromMemorySegment(I, bytes, at + 4L * i, LITTLE);
            int first = to + i / ROWS * 2 * ROWS + i % ROWS;
            Lanes.even(v).intoArray(weights, first);
            Lanes.odd(v).intoArray(weights, first + ROWS);
        }
    }
}
