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
/// The loops over a group are short and rolled on purpose. Unrolled further, the compiler issues the loads in
/// descending order and spills, which costs up to a factor of ten from memory.
///
/// A panel of columns is read once for each part of a tile that fits into a vector, so narrow vectors find the second
/// part in the first-level cache.
final class VectorGemv {
    /// Columns that are summed before they are added to the result. Sixteen weights of a group and the sums of the
    /// matching [VectorGemm] kernel fit into 32 registers, eight into 16.
    static final int GROUP = WIDTH == 16 ? 16 : 8;

    /// Columns of a panel: at most 16 KiB of weights.
    private static final int PANEL = 256;

    /// Float16 weights come times 2^-112. Half of the correction goes to the activations and half to the sums, so that
    /// neither the products nor the activations leave the range of float32.
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
            FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0;
            for (int k = g * GROUP; k < g * GROUP + GROUP; k += 4) {
                long p = at + 64L * k;
                int e = xAt + k;
                s0 = FloatVector.fromMemorySegment(F, w, p, LITTLE).fma(FloatVector.broadcast(F, x[e]), s0);
                s1 = FloatVector.fromMemorySegment(F, w, p + 64, LITTLE).fma(FloatVector.broadcast(F, x[e + 1]), s1);
                s2 = FloatVector.fromMemorySegment(F, w, p + 128, LITTLE).fma(FloatVector.broadcast(F, x[e + 2]), s2);
                s3 = FloatVector.fromMemorySegment(F, w, p + 192, LITTLE).fma(FloatVector.broadcast(F, x[e + 3]), s3);
            }
            sum = sum.add(s0.add(s1).add(s2.add(s3)));
        }
        sum.intoArray(y, yAt);
    }

    private static void f16(MemorySegment w, long at, int groups, float[] x, int xAt, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        FloatVector scale = FloatVector.broadcast(F, HALF_SCALE);
        for (int g = 0; g < groups; g++) {
            FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0;
            for (int k = g * GROUP; k < g * GROUP + GROUP; k += 4) {
                long p = at + 32L * k;
                int e = xAt + k;
                s0 = Lanes.halves(w, p).fma(FloatVector.broadcast(F, x[e]), s0);
                s1 = Lanes.halves(w, p + 32).fma(FloatVector.broadcast(F, x[e + 1]), s1);
                s2 = Lanes.halves(w, p + 64).fma(FloatVector.broadcast(F, x[e + 2]), s2);
                s3 = Lanes.halves(w, p + 96).fma(FloatVector.broadcast(F, x[e + 3]), s3);
            }
            sum = s0.add(s1).add(s2.add(s3)).fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }

    private static void bf16(MemorySegment w, long at, int groups, float[] x, int xAt, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int g = 0; g < groups; g++) {
            FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0;
            for (int k = g * GROUP; k < g * GROUP + GROUP; k += 4) {
                long p = at + 32L * k;
                int e = xAt + k;
                IntVector a = IntVector.fromMemorySegment(I, w, p, LITTLE);
                IntVector b = IntVector.fromMemorySegment(I, w, p + 64, LITTLE);
                s0 = Lanes.even(a).fma(FloatVector.broadcast(F, x[e]), s0);
                s1 = Lanes.odd(a).fma(FloatVector.broadcast(F, x[e + 1]), s1);
                s2 = Lanes.even(b).fma(FloatVector.broadcast(F, x[e + 2]), s2);
                s3 = Lanes.odd(b).fma(FloatVector.broadcast(F, x[e + 3]), s3);
            }
            sum = sum.add(s0.add(s1).add(s2.add(s3)));
        }
        sum.intoArray(y, yAt);
    }

    /// `at` is where the first block starts; a group is a whole number of quads in one block of 32 columns.
    private static void q8(MemorySegment w, long at, int lane, int groups, float[] x, int xAt, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int g = 0; g < groups; g++) {
            long block = at + 544L * (g * GROUP / 32);
            FloatVector scale = Lanes.halves(w, block + 2L * lane).mul(Lanes.HALF_BIAS);
            long quads = block + 32 + 16L * (g * GROUP % 32) + 4L * lane;
            FloatVector s0 = FloatVector.zero(F), s1 = s0, s2 = s0, s3 = s0;
            for (int k = 0; k < GROUP; k += 4) {
                int e = xAt + g * GROUP + k;
                IntVector v = IntVector.fromMemorySegment(I, w, quads + 16L * k, LITTLE);
                s0 = Lanes.bytes(v, 0).fma(FloatVector.broadcast(F, x[e]), s0);
                s1 = Lanes.bytes(v, 1).fma(FloatVector.broadcast(F, x[e + 1]), s1);
                s2 = Lanes.bytes(v, 2).fma(FloatVector.broadcast(F, x[e + 2]), s2);
                s3 = Lanes.bytes(v, 3).fma(FloatVector.broadcast(F, x[e + 3]), s3);
            }
            sum = s0.add(s1).add(s2.add(s3)).fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }
}
