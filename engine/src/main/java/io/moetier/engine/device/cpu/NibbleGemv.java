package io.moetier.engine.device.cpu;

import static io.moetier.engine.device.cpu.Lanes.F;
import static io.moetier.engine.device.cpu.Lanes.LITTLE;
import static io.moetier.engine.device.cpu.Lanes.S;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/// Matrix times vector where the weights of a byte are multiplied in lanes of 16 bits: kernels of
/// [VectorGemv].
///
/// Such a lane holds two bytes of a row. Products with rounded activations ([VectorColumns]) fit into it, and
/// so does the sum of those of a block, so that two instructions serve 32 products.
final class NibbleGemv {
    private static final int BLOCK = VectorColumns.BLOCK;
    private static final int PAIRS = BLOCK / 2;

    private NibbleGemv() {}

    /// No sum exceeds 16 * 15 * 127, which is below 2^15.
    static void q4(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        float[] pairs = x.floats;
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int b = 0; b < depth / BLOCK; b++) {
            long block = at + 288L * b;
            long p = block + 32 + 4L * lane;
            int number = first / BLOCK + b;
            int e = number * PAIRS;
            FloatVector scale =
                    Lanes.halves(w, block + 2L * lane).mul(Lanes.HALF_BIAS).mul(x.scales[number]);
            ShortVector s0 = ShortVector.zero(S), s1 = s0, s2 = s0, s3 = s0;
            for (int i = 0; i < 4; i++) {
                ShortVector v = ShortVector.fromMemorySegment(S, w, p + 64L * i, LITTLE);
                int a = e + 2 * i;
                s0 = s0.add(v.and((short) 15).mul(Lanes.pair(pairs, a)));
                s1 = s1.add(v.lanewise(LSHR, 8).and((short) 15).mul(Lanes.pair(pairs, a + 1)));
                s2 = s2.add(v.lanewise(LSHR, 4).and((short) 15).mul(Lanes.pair(pairs, a + 8)));
                s3 = s3.add(v.lanewise(LSHR, 12).mul(Lanes.pair(pairs, a + 9)));
            }
            IntVector dot = s0.add(s1).add(s2.add(s3)).reinterpretAsInts();
            dot = dot.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .add(dot.lanewise(ASHR, 16))
                    .sub(8 * x.sums[number]);
            sum = ((FloatVector) dot.convert(I2F, 0)).fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }
}
