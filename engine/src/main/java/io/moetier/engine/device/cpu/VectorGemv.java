package io.moetier.engine.device.cpu;

import static io.moetier.engine.device.cpu.Lanes.F;
import static io.moetier.engine.device.cpu.Lanes.I;
import static io.moetier.engine.device.cpu.Lanes.LITTLE;
import static io.moetier.engine.device.cpu.Lanes.WIDTH;

import io.moetier.engine.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// Matrix times vector on r16 weights: one ascending stream of memory, a lane for each row.
///
/// Eight columns are written out and no more than that: past some sixty vector operations in one method the compiler
/// stops inlining them, or issues the loads in descending order, and either costs a factor of ten.
///
/// A panel of columns is read once for each part of a tile that fits into a vector, so narrow vectors find the second
/// part in the first-level cache.
final class VectorGemv {
    /// Columns that are summed, one after another, before they are added to the result; [VectorGemm] does the same.
    private static final int GROUP = VectorColumns.BLOCK;

    /// Columns that are written out.
    private static final int STEP = 8;

    /// Float16 weights come times 2^-112. Half of the correction goes to the activations and half to the sums, so
    /// that neither the products nor the activations leave the range of float32. Products below 2^-70 lose bits.
    static final float HALF_SCALE = 0x1p56f;

    private VectorGemv() {}

    /// Writes sixteen results of one tile to `y`.
    static void tile(WeightMatrix w, int tile, PackedColumns x, float[] y, int yAt, Scratch scratch) {
        MemorySegment bytes = w.bytes();
        long at = tile * WeightMatrix.tileBytes(w.dtype(), w.cols());
        int whole = w.cols() / GROUP * GROUP;
        Arrays.fill(y, yAt, yAt + WeightMatrix.TILE_ROWS, 0f);
        for (int k = 0; k < whole; k += WeightPanel.COLUMNS) {
            int depth = Math.min(WeightPanel.COLUMNS, whole - k);
            for (int lane = 0; lane < WeightMatrix.TILE_ROWS; lane += WIDTH) {
                int to = yAt + lane;
                switch (w.dtype()) {
                    case F32 -> f32(bytes, at + 64L * k + 4L * lane, depth, x.floats, k, y, to);
                    case F16 -> f16(bytes, at + 32L * k + 2L * lane, depth, x.floats, k, y, to);
                    case BF16 -> bf16(bytes, at + 32L * k + 4L * lane, depth, x.floats, k, y, to);
                    case Q8_0 -> q8(bytes, at + 17L * k, lane, depth, x.floats, k, y, to);
                    case Q4_0 -> NibbleGemv.q4(bytes, at + 9L * k, lane, depth, x, k, y, to);
                    default ->
                        throw new IllegalArgumentException(
                                "no vector kernel for " + w.dtype().label());
                }
            }
        }
        if (whole < w.cols()) {
            tail(w, tile, whole, x.floats, y, yAt, scratch);
        }
    }

    /// Adds the columns of `w` from `first` on, fewer than a group.
    private static void tail(WeightMatrix w, int tile, int first, float[] x, float[] y, int yAt, Scratch scratch) {
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

    private static void f32(MemorySegment w, long at, int depth, float[] x, int xAt, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int g = 0; g < depth; g += GROUP) {
            FloatVector s = FloatVector.zero(F);
            for (int k = g; k < g + GROUP; k += STEP) {
                long p = at + 64L * k;
                int e = xAt + k;
                s = FloatVector.fromMemorySegment(F, w, p, LITTLE).fma(FloatVector.broadcast(F, x[e]), s);
                s = FloatVector.fromMemorySegment(F, w, p + 64, LITTLE).fma(FloatVector.broadcast(F, x[e + 1]), s);
                s = FloatVector.fromMemorySegment(F, w, p + 128, LITTLE).fma(FloatVector.broadcast(F, x[e + 2]), s);
                s = FloatVector.fromMemorySegment(F, w, p + 192, LITTLE).fma(FloatVector.broadcast(F, x[e + 3]), s);
                s = FloatVector.fromMemorySegment(F, w, p + 256, LITTLE).fma(FloatVector.broadcast(F, x[e + 4]), s);
                s = FloatVector.fromMemorySegment(F, w, p + 320, LITTLE).fma(FloatVector.broadcast(F, x[e + 5]), s);
                s = FloatVector.fromMemorySegment(F, w, p + 384, LITTLE).fma(FloatVector.broadcast(F, x[e + 6]), s);
                s = FloatVector.fromMemorySegment(F, w, p + 448, LITTLE).fma(FloatVector.broadcast(F, x[e + 7]), s);
            }
            sum = sum.add(s);
        }
        sum.intoArray(y, yAt);
    }

    /// Reading float16 takes three operations a vector, so half a step is as much as may be written out.
    private static void f16(MemorySegment w, long at, int depth, float[] x, int xAt, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        FloatVector scale = FloatVector.broadcast(F, HALF_SCALE);
        for (int g = 0; g < depth; g += GROUP) {
            FloatVector s = FloatVector.zero(F);
            for (int k = g; k < g + GROUP; k += STEP / 2) {
                long p = at + 32L * k;
                int e = xAt + k;
                s = Lanes.halves(w, p).fma(FloatVector.broadcast(F, x[e]), s);
                s = Lanes.halves(w, p + 32).fma(FloatVector.broadcast(F, x[e + 1]), s);
                s = Lanes.halves(w, p + 64).fma(FloatVector.broadcast(F, x[e + 2]), s);
                s = Lanes.halves(w, p + 96).fma(FloatVector.broadcast(F, x[e + 3]), s);
            }
            sum = s.fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }

    private static void bf16(MemorySegment w, long at, int depth, float[] x, int xAt, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int g = 0; g < depth; g += GROUP) {
            FloatVector s = FloatVector.zero(F);
            for (int k = g; k < g + GROUP; k += STEP) {
                long p = at + 32L * k;
                int e = xAt + k;
                IntVector v = IntVector.fromMemorySegment(I, w, p, LITTLE);
                s = Lanes.even(v).fma(FloatVector.broadcast(F, x[e]), s);
                s = Lanes.odd(v).fma(FloatVector.broadcast(F, x[e + 1]), s);
                v = IntVector.fromMemorySegment(I, w, p + 64, LITTLE);
                s = Lanes.even(v).fma(FloatVector.broadcast(F, x[e + 2]), s);
                s = Lanes.odd(v).fma(FloatVector.broadcast(F, x[e + 3]), s);
                v = IntVector.fromMemorySegment(I, w, p + 128, LITTLE);
                s = Lanes.even(v).fma(FloatVector.broadcast(F, x[e + 4]), s);
                s = Lanes.odd(v).fma(FloatVector.broadcast(F, x[e + 5]), s);
                v = IntVector.fromMemorySegment(I, w, p + 192, LITTLE);
                s = Lanes.even(v).fma(FloatVector.broadcast(F, x[e + 6]), s);
                s = Lanes.odd(v).fma(FloatVector.broadcast(F, x[e + 7]), s);
            }
            sum = sum.add(s);
        }
        sum.intoArray(y, yAt);
    }

    /// `at` is where the first block starts.
    private static void q8(MemorySegment w, long at, int lane, int depth, float[] x, int xAt, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int g = 0; g < depth; g += GROUP) {
            long block = at + 17L * g;
            long p = block + 32 + 4L * lane;
            FloatVector scale = Lanes.halves(w, block + 2L * lane).mul(Lanes.HALF_BIAS);
            FloatVector s = FloatVector.zero(F);
            for (int i = 0; i < GROUP / 4; i++) {
                IntVector v = IntVector.fromMemorySegment(I, w, p + 64L * i, LITTLE);
                int e = xAt + g + 4 * i;
                s = Lanes.bytes(v, 0).fma(FloatVector.broadcast(F, x[e]), s);
                s = Lanes.bytes(v, 1).fma(FloatVector.broadcast(F, x[e + 1]), s);
                s = Lanes.bytes(v, 2).fma(FloatVector.broadcast(F, x[e + 2]), s);
                s = Lanes.bytes(v, 3).fma(FloatVector.broadcast(F, x[e + 3]), s);
            }
            sum = s.fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }
}
