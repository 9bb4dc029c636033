package io.moetier.kernels.cpu.vector;

import static io.moetier.kernels.cpu.arithmetic.Lanes.F;
import static io.moetier.kernels.cpu.arithmetic.Lanes.I;
import static io.moetier.kernels.cpu.arithmetic.Lanes.LITTLE;
import static io.moetier.kernels.cpu.arithmetic.Lanes.S;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.S2I;

import io.moetier.kernels.cpu.arithmetic.Lanes;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/// Matrix times vector where the weights of a byte are multiplied in lanes of 16 bits: kernels of
/// [VectorGemv].
///
/// Such a lane holds two bytes of a row. Products with rounded activations ([VectorColumns]) fit into it, and
/// so does the sum of eight of five bits or sixteen of four, so that two instructions serve 32 products.
final class NibbleGemv {
    private static final int BLOCK = VectorColumns.BLOCK;
    private static final int PAIRS = BLOCK / 2;
    private static final Form Q4_0 = new Form(Blocks.Q4_0_BYTES, 0, 0, Blocks.Q4_0_WEIGHTS, 8);
    private static final Form Q4_1 = new Form(Blocks.Q4_1_BYTES, Blocks.Q4_1_OFFSETS, 0, Blocks.Q4_1_WEIGHTS, 0);
    private static final Form Q5_0 = new Form(Blocks.Q5_0_BYTES, 0, Blocks.Q5_0_FIFTH_BITS, Blocks.Q5_0_WEIGHTS, 16);
    private static final Form Q5_1 =
            new Form(Blocks.Q5_1_BYTES, Blocks.Q5_1_OFFSETS, Blocks.Q5_1_FIFTH_BITS, Blocks.Q5_1_WEIGHTS, 0);

    private NibbleGemv() {}

    /// Where the parts of a block of sixteen rows are; 0 if it has no such part, for scales come first.
    ///
    /// @param values where the nibbles start
    /// @param zero the number that stands for zero
    private record Form(long bytes, int offsets, int fifthBits, int values, int zero) {}

    static void q4(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        addFourBits(Q4_0, w, at, lane, depth, x, first, y, yAt);
    }

    static void q4WithOffsets(
            MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        addFourBits(Q4_1, w, at, lane, depth, x, first, y, yAt);
        addOffsets(Q4_1, w, at, lane, depth, x, first, y, yAt);
    }

    static void q5(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        addFiveBits(Q5_0, w, at, lane, depth, x, first, y, yAt);
    }

    static void q5WithOffsets(
            MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        addFiveBits(Q5_1, w, at, lane, depth, x, first, y, yAt);
        addOffsets(Q5_1, w, at, lane, depth, x, first, y, yAt);
    }

    /// No sum exceeds 16 * 15 * 127, which is below 2^15.
    private static void addFourBits(
            Form form, MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        float[] pairs = x.floats;
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int b = 0; b < depth / BLOCK; b++) {
            long block = at + form.bytes * b;
            long p = block + form.values + 4L * lane;
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
                    .sub(form.zero * x.sums[number]);
            sum = ((FloatVector) dot.convert(I2F, 0)).fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }

    /// No sum exceeds 8 * 31 * 127, which is below 2^15, so that two are added as wider numbers.
    private static void addFiveBits(
            Form form, MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        float[] pairs = x.floats;
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int b = 0; b < depth / BLOCK; b++) {
            long block = at + form.bytes * b;
            long p = block + form.values + 4L * lane;
            int number = first / BLOCK + b;
            int e = number * PAIRS;
            FloatVector scale =
                    Lanes.halves(w, block + 2L * lane).mul(Lanes.HALF_BIAS).mul(x.scales[number]);
            ShortVector fifths = ShortVector.fromMemorySegment(S, w, block + form.fifthBits + 4L * lane, LITTLE);
            ShortVector s0 = ShortVector.zero(S), s1 = s0;
            for (int i = 0; i < 8; i++) { // the lower halves of sixteen bytes, then the upper ones
                ShortVector v = ShortVector.fromMemorySegment(S, w, p + 64L * (i & 3), LITTLE)
                        .lanewise(LSHR, i & 4);
                ShortVector h = fifths.lanewise(LSHR, i);
                ShortVector u = h.lanewise(LSHL, 4).and((short) 16).or(v.and((short) 15));
                s0 = s0.add(u.mul(Lanes.pair(pairs, e + 2 * i)));
                u = h.lanewise(LSHR, 4).and((short) 16).or(v.lanewise(LSHR, 8).and((short) 15));
                s1 = s1.add(u.mul(Lanes.pair(pairs, e + 2 * i + 1)));
            }
            IntVector v0 = s0.reinterpretAsInts();
            IntVector v1 = s1.reinterpretAsInts();
            IntVector dot = v0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(v0.lanewise(ASHR, 16));
            dot = v1.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .add(v1.lanewise(ASHR, 16))
                    .add(dot)
                    .sub(form.zero * x.sums[number]);
            sum = ((FloatVector) dot.convert(I2F, 0)).fma(scale, sum);
        }
        sum.intoArray(y, yAt);
    }

    /// Adds the products of the offsets, which come after the scales, with the sums of activations. Calls no methods of
    /// our own, which the compiler would not inline so late in a kernel.
    private static void addOffsets(
            Form form, MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        FloatVector sum = FloatVector.zero(F);
        int sumsAt = VectorColumns.sumsAt(x) + first / BLOCK;
        for (int b = 0; b < depth / BLOCK; b++) {
            long offsets = at + form.bytes * b + form.offsets + 2L * lane;
            IntVector wide = (IntVector) ShortVector.fromMemorySegment(Lanes.HALF_S, w, offsets, LITTLE)
                    .convertShape(S2I, I, 0);
            sum = wide.lanewise(LSHL, 13)
                    .and(0x8FFFE000)
                    .reinterpretAsFloats()
                    .mul(Lanes.HALF_BIAS)
                    .fma(FloatVector.broadcast(F, x.scales[sumsAt + b]), sum);
        }
        sum.add(FloatVector.fromArray(F, y, yAt)).intoArray(y, yAt);
    }
}
