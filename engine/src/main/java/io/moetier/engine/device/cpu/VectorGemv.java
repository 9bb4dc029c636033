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

/// Matrix times vector on r16 weights: one ascending stream of memory, a lane for each row.
///
/// A group of eight columns is written out and no more than that: past some sixty vector operations in one method the
/// compiler stops inlining them, or issues the loads in descending order, and either costs a factor of ten.
///
/// A panel of columns is read once for each part of a tile that fits into a vector, so narrow vectors find the second
/// part in the first-level cache.
final class VectorGemv {
    /// Columns that are summed, even and odd ones apart, before they are added to the result. Eight weights and their
    /// sums fit into the sixteen registers of AVX2 in the kernel of [VectorGemm], which keeps the same order.
    private static final int GROUP = 8;

    /// Columns of a panel: at most 16 KiB of weights.
    private static final int PANEL = 256;

    /// Float16 weights come times 2^-112. Half of the correction goes to the activations and half to the sums, so
    /// that neither the products nor the activations leave the range of float32. Products below 2^-70 lose bits.
    static final float HALF_SCALE = 0x1p56f;

    private VectorGemv() {}

    /// Writes sixteen results of one tile to `y`. For float16, `x` is scaled by [#HALF_SCALE].
    static void tile(WeightMatrix w, int tile, float[] x, int xAt, float[] y, int yAt, Scratch scratch) {
        MemorySegment bytes = w.bytes();
        long at = tile * WeightMatrix.tileBytes(w.dtype(), w.cols());
        int whole = w.cols() / GROUP * GROUP;
        Arrays.fill(y, yAt, yAt + WeightMatrix.TILE_ROWS, 0f);
        for (int k = 0; k < whole; k += PANEL) {
            int groups = Math.min(PANEL, whole - k) / GROUP;
            for (int lane = 0; lane < WeightMatrix.TILE_ROWS; lane += WIDTH) {
                switch (w.dtype()) {
                    case F32 -> f32(bytes, at + 64L * k + 4L * lane, groups, x, xAt + k, y, yAt + lane);
                    case F16 -> f16(bytes, at + 32L * k + 2L * lane, groups, x, xAt + k, y, yAt + lane);
                    case BF16 -> bf16(bytes, at + 32L * k + 4L * lane, groups, x, xAt + k, y, yAt + lane);
                    case Q8_0 -> q8(bytes, at + 17L * k, lane, groups, x, xAt + k, y, yAt + lane);
                    default -> throw new UnsupportedOperationException(w.dtype() + " weights");
                }
            }
        }
        if (whole < w.cols()) {
            VectorGemm.tail(w, at, whole, x, xAt, y, yAt, scratch);
        }
    }

    private static void f32(MemorySegment w, long at, int groups, float[] x, int xAt, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int g = 0; g < groups; g++) {
            long p = at + 512L * g;
            int e = xAt + GROUP * g;
            FloatVector s0 = FloatVector.fromMemorySegment(F, w, p, LITTLE).mul(FloatVector.broadcast(F, x[e]));
            FloatVector s1 =
                    FloatVector.fromMemorySegment(F, w, p + 64, LITTLE).mul(FloatVector.broadcast(F, x[e + 1]));
            s0 = FloatVector.fromMemorySegment(F, w, p + 128, LITTLE).fma(FloatVector.broadcast(F, x[e + 2]), s0);
            s1 = FloatVector.fromMemorySegment(F, w, p + 192, LITTLE).fma(FloatVector.broadcast(F, x[e + 3]), s1);
            s0 = FloatVector.fromMemorySegment(F, w, p + 256, LITTLE).fma(FloatVector.broadcast(F, x[e + 4]), s0);
            s1 = FloatVector.fromMemorySegment(F, w, p + 320, LITTLE).fma(FloatVector.broadcast(F, x[e + 5]), s1);
            s0 = FloatVector.fromMemorySegment(F, w, p + 384, LITTLE).fma(FloatVector.broadcast(F, x[e + 6]), s0);
            s1 = FloatVector.fromMemorySegment(F, w, p + 448, LITTLE).fma(FloatVector.broadcast(F, x[e + 7]), s1);
            sum = sum.add(s0.add(s1));
        }
        sum.intoArray(y, yAt);
    }

    /// Reading float16 takes three operations a vector, so half a group is as much as may be written out.
    private static void f16(MemorySegment w, long at, int groups, float[] x, int xAt, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        FloatVector scale = FloatVector.broadcast(F, HALF_SCALE);
        for (int g = 0; g < groups; g++) {
            FloatVector s0 = FloatVector.zero(F), s1 = s0;
            for (int k = g * GROUP; k < g * GROUP + GROUP; k += 4) {
                long p = at + 32L * k;
                int e = xAt + k;
                s0 = Lanes.halves(w, p).fma(FloatVector.broadcast(F, x[e]), s0);
                s1 = Lanes.halves(w, p + 32).fma(FloatVector.broadcast(F, x[e + 1]), s1);
                s0 = Lanes.halves(w, p + 64).fma(FloatVector.broadcast(F, x[e + 2]), s0);
                s1 = Lanes.halves(w, p + 96).fma(FloatVector.broadcast(F, x[e + 3]), s1);
            }
            sum = s0.add(s1).fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }

    private static void bf16(MemorySegment w, long at, int groups, float[] x, int xAt, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int g = 0; g < groups; g++) {
            long p = at + 256L * g;
            int e = xAt + GROUP * g;
            IntVector v = IntVector.fromMemorySegment(I, w, p, LITTLE);
            FloatVector s0 = Lanes.even(v).mul(FloatVector.broadcast(F, x[e]));
            FloatVector s1 = Lanes.odd(v).mul(FloatVector.broadcast(F, x[e + 1]));
            v = IntVector.fromMemorySegment(I, w, p + 64, LITTLE);
            s0 = Lanes.even(v).fma(FloatVector.broadcast(F, x[e + 2]), s0);
            s1 = Lanes.odd(v).fma(FloatVector.broadcast(F, x[e + 3]), s1);
            v = IntVector.fromMemorySegment(I, w, p + 128, LITTLE);
            s0 = Lanes.even(v).fma(FloatVector.broadcast(F, x[e + 4]), s0);
            s1 = Lanes.odd(v).fma(FloatVector.broadcast(F, x[e + 5]), s1);
            v = IntVector.fromMemorySegment(I, w, p + 192, LITTLE);
            s0 = Lanes.even(v).fma(FloatVector.broadcast(F, x[e + 6]), s0);
            s1 = Lanes.odd(v).fma(FloatVector.broadcast(F, x[e + 7]), s1);
            sum = sum.add(s0.add(s1));
        }
        sum.intoArray(y, yAt);
    }

    /// `at` is where the first block starts; a group is two quads of one block of 32 columns.
    private static void q8(MemorySegment w, long at, int lane, int groups, float[] x, int xAt, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int g = 0; g < groups; g++) {
            long block = at + 544L * (g / 4);
            long p = block + 32 + 128L * (g % 4) + 4L * lane;
            int e = xAt + GROUP * g;
            FloatVector scale = Lanes.halves(w, block + 2L * lane).mul(Lanes.HALF_BIAS);
            IntVector v = IntVector.fromMemorySegment(I, w, p, LITTLE);
            FloatVector s0 = Lanes.bytes(v, 0).mul(FloatVector.broadcast(F, x[e]));
            FloatVector s1 = Lanes.bytes(v, 1).mul(FloatVector.broadcast(F, x[e + 1]));
            s0 = Lanes.bytes(v, 2).fma(FloatVector.broadcast(F, x[e + 2]), s0);
            s1 = Lanes.bytes(v, 3).fma(FloatVector.broadcast(F, x[e + 3]), s1);
            v = IntVector.fromMemorySegment(I, w, p + 64, LITTLE);
            s0 = Lanes.bytes(v, 0).fma(FloatVector.broadcast(F, x[e + 4]), s0);
            s1 = Lanes.bytes(v, 1).fma(FloatVector.broadcast(F, x[e + 5]), s1);
            s0 = Lanes.bytes(v, 2).fma(FloatVector.broadcast(F, x[e + 6]), s0);
            s1 = Lanes.bytes(v, 3).fma(FloatVector.broadcast(F, x[e + 7]), s1);
            sum = s0.add(s1).fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }
}
