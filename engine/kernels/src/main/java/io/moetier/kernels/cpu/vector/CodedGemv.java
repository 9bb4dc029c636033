package io.moetier.kernels.cpu.vector;

import static io.moetier.kernels.cpu.arithmetic.Lanes.F;

import io.moetier.kernels.cpu.arithmetic.Lanes;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// Matrix times vector where weights are looked up, and become float32: kernels of [VectorGemv].
final class CodedGemv {
    private static final int BLOCK = VectorColumns.BLOCK;

    private CodedGemv() {}

    static void nl(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int b = 0; b < depth / BLOCK; b++) {
            long block = at + Blocks.IQ4_NL_BYTES * b;
            FloatVector scale = Lanes.halves(w, block + 2L * lane).mul(Lanes.HALF_BIAS);
            FloatVector s = FloatVector.zero(F);
            for (int i = 0; i < BLOCK / 4; i++) {
                IntVector v =
                        Lanes.lookUp(w, block + Blocks.IQ4_NL_WEIGHTS + 4L * lane + 64L * (i & 3), i & 4, Lanes.IQ4);
                int e = first + b * BLOCK + 4 * i;
                s = Lanes.bytes(v, 0).fma(FloatVector.broadcast(F, x.floats[e]), s);
                s = Lanes.bytes(v, 1).fma(FloatVector.broadcast(F, x.floats[e + 1]), s);
                s = Lanes.bytes(v, 2).fma(FloatVector.broadcast(F, x.floats[e + 2]), s);
                s = Lanes.bytes(v, 3).fma(FloatVector.broadcast(F, x.floats[e + 3]), s);
            }
            sum = s.fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }

    static void xs(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        FloatVector d = Lanes.halves(w, at + 2L * lane).mul(Lanes.HALF_BIAS);
        for (int b = 0; b < WeightPanel.BLOCKS; b++) {
            long block = at + Blocks.IQ4_XS_WEIGHTS + 256L * b + 4L * lane;
            FloatVector scale =
                    Lanes.bytes(w, at + Blocks.IQ4_XS_SCALES + 16L * b + lane).mul(d);
            FloatVector s = FloatVector.zero(F);
            for (int i = 0; i < BLOCK / 4; i++) {
                IntVector v = Lanes.lookUp(w, block + 64L * (i & 3), i & 4, Lanes.IQ4);
                int e = first + b * BLOCK + 4 * i;
                s = Lanes.bytes(v, 0).fma(FloatVector.broadcast(F, x.floats[e]), s);
                s = Lanes.bytes(v, 1).fma(FloatVector.broadcast(F, x.floats[e + 1]), s);
                s = Lanes.bytes(v, 2).fma(FloatVector.broadcast(F, x.floats[e + 2]), s);
                s = Lanes.bytes(v, 3).fma(FloatVector.broadcast(F, x.floats[e + 3]), s);
            }
            sum = s.fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }
}
