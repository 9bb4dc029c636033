package io.moetier.kernels.cpu.vector;

import static io.moetier.kernels.cpu.arithmetic.Lanes.F;
import static io.moetier.kernels.cpu.arithmetic.Lanes.WIDTH;

import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Matrix times vector on r16 weights: one ascending stream of memory, a lane for each row.
///
/// A panel of columns is read once for each part of a tile that fits into a vector, so narrow vectors find
/// the second part in the first-level cache.
final class VectorGemv {
    /// Columns that are summed, one after another, before they are added to the result; [VectorGemm] does the
    /// same.
    static final int GROUP = VectorColumns.BLOCK;

    /// Float16 weights come times 2^-112. Half of the correction goes to the activations and half to the
    /// sums, so that neither the products nor the activations leave the range of float32. Products below
    /// 2^-70 lose bits.
    static final float HALF_SCALE = 0x1p56f;

    private VectorGemv() {}

    /// Adds the products of a panel to the results of a vector of rows.
    ///
    /// The compiler inlines a vector operation only as long as the method that it compiles is small, and one
    /// that is not inlined costs a hundred times as much. Where it sees three kernels called, it inlines none
    /// of them into the caller, and each remains a method of its own.
    private interface Kernel {
        /// @param at where the panel starts
        /// @param lane the first of the rows
        /// @param depth columns of the panel, whole groups
        /// @param k the first of the columns
        void add(MemorySegment w, long at, int lane, int depth, PackedColumns x, int k, float[] y, int yAt);
    }

    private static Kernel kernel(DType dtype) {
        return switch (dtype) {
            case F32 -> FloatGemv::f32;
            case F16 -> FloatGemv::f16;
            case BF16 -> FloatGemv::bf16;
            case Q8_0 -> FloatGemv::q8;
            case MXFP4 -> FloatGemv::fp4;
            case IQ4_NL -> CodedGemv::nl;
            case IQ4_XS -> CodedGemv::xs;
            case Q4_0 -> NibbleGemv::q4;
            case Q4_1 -> NibbleGemv::q4WithOffsets;
            case Q5_0 -> NibbleGemv::q5;
            case Q5_1 -> NibbleGemv::q5WithOffsets;
            case Q4_K -> SuperBlockGemv::q4;
            case Q5_K -> SuperBlockGemv::q5;
            case Q6_K -> SuperBlockGemv::q6;
            default -> throw new IllegalArgumentException("no vector kernel for " + dtype);
        };
    }

    /// Writes the results of tiles `from` to `to` to `y`.
    static void multiply(WeightMatrix w, int from, int to, PackedColumns x, float[] y, int yAt, Scratch scratch) {
        Kernel kernel = kernel(w.dtype());
        long tileBytes = WeightMatrix.tileBytes(w.dtype(), w.cols());
        long panelBytes = WeightMatrix.tileBytes(w.dtype(), WeightPanel.COLUMNS);
        for (int tile = from; tile < to; tile++) {
            int at = yAt + (tile - from) * WeightMatrix.TILE_ROWS;
            tile(kernel, w, tile * tileBytes, panelBytes, x, y, at);
            if (w.cols() % GROUP != 0) {
                tail(w, tile, x.floats, y, at, scratch);
            }
        }
    }

    private static void tile(
            Kernel kernel, WeightMatrix w, long at, long panelBytes, PackedColumns x, float[] y, int yAt) {
        int whole = w.cols() / GROUP * GROUP;
        Arrays.fill(y, yAt, yAt + WeightMatrix.TILE_ROWS, 0f);
        for (int k = 0; k < whole; k += WeightPanel.COLUMNS) {
            int depth = Math.min(WeightPanel.COLUMNS, whole - k);
            long panel = at + k / WeightPanel.COLUMNS * panelBytes;
            for (int lane = 0; lane < WeightMatrix.TILE_ROWS; lane += WIDTH) {
                kernel.add(w.bytes(), panel, lane, depth, x, k, y, yAt + lane);
            }
        }
    }

    /// Adds the last columns, which are fewer than a group.
    private static void tail(WeightMatrix w, int tile, float[] x, float[] y, int yAt, Scratch scratch) {
        int first = w.cols() / GROUP * GROUP;
        int panel = first / WeightPanel.COLUMNS * WeightPanel.COLUMNS;
        WeightPanel.decode(w, tile, panel, w.cols() - panel, scratch, 0);
        float[] weights = scratch.weights;
        float unscale = w.dtype() == DType.F16 ? 1 / HALF_SCALE : 1f;
        for (int lane = 0; lane < WeightMatrix.TILE_ROWS; lane += WIDTH) {
            FloatVector sum = FloatVector.zero(F);
            for (int k = first; k < w.cols(); k++) {
                FloatVector v = FloatVector.fromArray(F, weights, (k - panel) * WeightMatrix.TILE_ROWS + lane);
                sum = v.fma(FloatVector.broadcast(F, x[k] * unscale), sum);
            }
            sum.add(FloatVector.fromArray(F, y, yAt + lane)).intoArray(y, yAt + lane);
        }
    }
}
