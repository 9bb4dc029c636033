package io.moetier.kernels.cpu.vector;

import static io.moetier.kernels.cpu.arithmetic.Lanes.F;
import static io.moetier.kernels.cpu.arithmetic.Lanes.I;
import static io.moetier.kernels.cpu.arithmetic.Lanes.LITTLE;

import io.moetier.kernels.cpu.arithmetic.Lanes;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// Matrix times vector where weights become float32: the kernels of [VectorGemv].
///
/// At most eight columns are written out: past some sixty vector operations in one method the compiler stops
/// inlining them, or issues the loads in descending order, and either costs a factor of ten.
final class FloatGemv {
    private static final int GROUP = VectorGemv.GROUP;
    private static final int STEP = 8;

    private FloatGemv() {}

    static void f32(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int g = 0; g < depth; g += GROUP) {
            FloatVector s = FloatVector.zero(F);
            for (int k = g; k < g + GROUP; k += STEP) {
                long p = at + 64L * k + 4L * lane;
                int e = first + k;
                s = floats(w, p).fma(value(x, e), s);
                s = floats(w, p + 64).fma(value(x, e + 1), s);
                s = floats(w, p + 128).fma(value(x, e + 2), s);
                s = floats(w, p + 192).fma(value(x, e + 3), s);
                s = floats(w, p + 256).fma(value(x, e + 4), s);
                s = floats(w, p + 320).fma(value(x, e + 5), s);
                s = floats(w, p + 384).fma(value(x, e + 6), s);
                s = floats(w, p + 448).fma(value(x, e + 7), s);
            }
            sum = sum.add(s);
        }
        sum.intoArray(y, yAt);
    }

    private static FloatVector floats(MemorySegment w, long at) {
        return FloatVector.fromMemorySegment(F, w, at, LITTLE);
    }

    private static FloatVector value(PackedColumns x, int at) {
        return FloatVector.broadcast(F, x.floats[at]);
    }

    /// Reading float16 takes three operations a vector, so half a step is as much as may be written out.
    static void f16(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        FloatVector scale = FloatVector.broadcast(F, VectorGemv.HALF_SCALE);
        for (int g = 0; g < depth; g += GROUP) {
            FloatVector s = FloatVector.zero(F);
            for (int k = g; k < g + GROUP; k += STEP / 2) {
                long p = at + 32L * k + 2L * lane;
                int e = first + k;
                s = Lanes.halves(w, p).fma(value(x, e), s);
                s = Lanes.halves(w, p + 32).fma(value(x, e + 1), s);
                s = Lanes.halves(w, p + 64).fma(value(x, e + 2), s);
                s = Lanes.halves(w, p + 96).fma(value(x, e + 3), s);
            }
            sum = s.fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }

    static void bf16(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int g = 0; g < depth; g += GROUP) {
            FloatVector s = FloatVector.zero(F);
            for (int k = g; k < g + GROUP; k += STEP) {
                long p = at + 32L * k + 4L * lane;
                int e = first + k;
                IntVector v = IntVector.fromMemorySegment(I, w, p, LITTLE);
                s = Lanes.even(v).fma(value(x, e), s);
                s = Lanes.odd(v).fma(value(x, e + 1), s);
                v = IntVector.fromMemorySegment(I, w, p + 64, LITTLE);
                s = Lanes.even(v).fma(value(x, e + 2), s);
                s = Lanes.odd(v).fma(value(x, e + 3), s);
                v = IntVector.fromMemorySegment(I, w, p + 128, LITTLE);
                s = Lanes.even(v).fma(value(x, e + 4), s);
                s = Lanes.odd(v).fma(value(x, e + 5), s);
                v = IntVector.fromMemorySegment(I, w, p + 192, LITTLE);
                s = Lanes.even(v).fma(value(x, e + 6), s);
                s = Lanes.odd(v).fma(value(x, e + 7), s);
            }
            sum = sum.add(s);
        }
        sum.intoArray(y, yAt);
    }

    static void q8(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int g = 0; g < depth; g += GROUP) {
            long block = at + Blocks.Q8_0_BYTES * (g / GROUP);
            long p = block + Blocks.Q8_0_WEIGHTS + 4L * lane;
            FloatVector scale = Lanes.halves(w, block + 2L * lane).mul(Lanes.HALF_BIAS);
            FloatVector s = FloatVector.zero(F);
            for (int i = 0; i < GROUP / 4; i++) {
                IntVector v = IntVector.fromMemorySegment(I, w, p + 64L * i, LITTLE);
                int e = first + g + 4 * i;
                s = Lanes.bytes(v, 0).fma(value(x, e), s);
                s = Lanes.bytes(v, 1).fma(value(x, e + 1), s);
                s = Lanes.bytes(v, 2).fma(value(x, e + 2), s);
                s = Lanes.bytes(v, 3).fma(value(x, e + 3), s);
            }
            sum = s.fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }

    /// Takes two blocks together, as the products of one wait for each other.
    static void fp4(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        int pairs = depth / (2 * GROUP) * 2 * GROUP;
        for (int g = 0; g < pairs; g += 2 * GROUP) {
            long block = at + Blocks.MXFP4_BYTES * (g / GROUP);
            FloatVector s = FloatVector.zero(F);
            FloatVector t = s;
            for (int i = 0; i < GROUP / 4; i++) {
                long p = block + Blocks.MXFP4_WEIGHTS + 4L * lane + 64L * (i & 3);
                IntVector v = Lanes.lookUp(w, p, i & 4, Lanes.TWICE_FP4);
                IntVector u = Lanes.lookUp(w, p + Blocks.MXFP4_BYTES, i & 4, Lanes.TWICE_FP4);
                int e = first + g + 4 * i;
                for (int b = 0; b < 4; b++) {
                    s = Lanes.bytes(v, b).fma(value(x, e + b), s);
                    t = Lanes.bytes(u, b).fma(value(x, e + b + GROUP), t);
                }
            }
            sum = s.mul(0.5f).fma(Lanes.powers(w, block + lane), sum);
            sum = t.mul(0.5f).fma(Lanes.powers(w, block + Blocks.MXFP4_BYTES + lane), sum);
        }
        sum.intoArray(y, yAt);
        if (pairs < depth) {
            lastFp4(w, at + Blocks.MXFP4_BYTES * (pairs / GROUP), lane, x, first + pairs, y, yAt);
        }
    }

    private static void lastFp4(MemorySegment w, long block, int lane, PackedColumns x, int first, float[] y, int yAt) {
        FloatVector s = FloatVector.zero(F);
        for (int i = 0; i < GROUP / 4; i++) {
            IntVector v =
                    Lanes.lookUp(w, block + Blocks.MXFP4_WEIGHTS + 4L * lane + 64L * (i & 3), i & 4, Lanes.TWICE_FP4);
            int e = first + 4 * i;
            s = Lanes.bytes(v, 0).fma(value(x, e), s);
            s = Lanes.bytes(v, 1).fma(value(x, e + 1), s);
            s = Lanes.bytes(v, 2).fma(value(x, e + 2), s);
            s = Lanes.bytes(v, 3).fma(value(x, e + 3), s);
        }
        s.mul(0.5f)
                .fma(Lanes.powers(w, block + lane), FloatVector.fromArray(F, y, yAt))
                .intoArray(y, yAt);
    }
}
