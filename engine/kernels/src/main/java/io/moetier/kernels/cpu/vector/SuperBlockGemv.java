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
import io.moetier.kernels.tensor.TileLayout;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/// Matrix times vector where 256 weights of a row form a super-block, in lanes of 16 bits as in [NibbleGemv]:
/// kernels of [VectorGemv]. A panel is a super-block.
///
/// Bytes that hold weights of several blocks are read once for each, from the first-level cache but for the
/// first time: methods stay small enough for the compiler.
final class SuperBlockGemv {
    private static final int BLOCK = VectorColumns.BLOCK;
    private static final int BLOCKS = WeightPanel.BLOCKS;
    private static final int PAIRS = BLOCK / 2;

    /// Where parts of `Q4_K` and `Q5_K` start, and the fifth bits of those of `Q5_K`.
    static final int DMIN = TileLayout.at(DType.Q4_K, "dmin");

    static final int SCALES = TileLayout.at(DType.Q4_K, "scales");
    static final int MINS = TileLayout.at(DType.Q4_K, "mins");
    static final int WEIGHTS = TileLayout.at(DType.Q4_K, "qs");
    static final int FIFTH_BITS = TileLayout.at(DType.Q5_K, "qh");

    /// Where parts of `Q6_K` start, and how far its halves and their two parts are from each other.
    static final int SIX_SCALES = TileLayout.at(DType.Q6_K, "scales");

    static final int LOWER_BITS = TileLayout.at(DType.Q6_K, "ql");
    static final int HALF = TileLayout.at(DType.Q6_K, "second_ql") - LOWER_BITS;
    static final int UPPER_BITS = TileLayout.at(DType.Q6_K, "qh") - LOWER_BITS;

    private SuperBlockGemv() {}

    /// No sum exceeds 16 * 15 * 127, which is below 2^15.
    static void q4(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        FloatVector d = Lanes.halves(w, at + 2L * lane).mul(Lanes.HALF_BIAS);
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int b = 0; b < BLOCKS; b++) {
            long p = at + WEIGHTS + 256L * (b & ~1) + 4L * lane;
            int shift = (b & 1) * 4;
            int e = (first / BLOCK + b) * PAIRS;
            FloatVector scale =
                    Lanes.bytes(w, at + SCALES + 16L * b + lane).mul(d).mul(x.scales[first / BLOCK + b]);
            ShortVector s0 = ShortVector.zero(S), s1 = s0;
            for (int i = 0; i < 8; i++) {
                ShortVector v =
                        ShortVector.fromMemorySegment(S, w, p + 64L * i, LITTLE).lanewise(LSHR, shift);
                s0 = s0.add(v.and((short) 15).mul(Lanes.pair(x.floats, e + 2 * i)));
                s1 = s1.add(v.lanewise(LSHR, 8).and((short) 15).mul(Lanes.pair(x.floats, e + 2 * i + 1)));
            }
            IntVector dot = s0.add(s1).reinterpretAsInts();
            dot = dot.lanewise(LSHL, 16).lanewise(ASHR, 16).add(dot.lanewise(ASHR, 16));
            sum = ((FloatVector) dot.convert(I2F, 0)).fma(scale, sum);
        }
        sum.intoArray(y, yAt);
        offsets(w, at, lane, x, first / BLOCK, y, yAt);
    }

    /// Adds the products of the minimums with the sums of activations. Calls no methods of our own, which the
    /// compiler would not inline so late in a kernel.
    private static void offsets(MemorySegment w, long at, int lane, PackedColumns x, int block, float[] y, int yAt) {
        IntVector wide = (IntVector) ShortVector.fromMemorySegment(Lanes.HALF_S, w, at + DMIN + 2L * lane, LITTLE)
                .convertShape(S2I, I, 0);
        FloatVector d =
                wide.lanewise(LSHL, 13).and(0x8FFFE000).reinterpretAsFloats().mul(-Lanes.HALF_BIAS);
        FloatVector sum = FloatVector.zero(F);
        int sumsAt = VectorColumns.sumsAt(x) + block;
        for (int b = 0; b < BLOCKS; b++) {
            int shift = 8 * (b & 1);
            IntVector pairs = (IntVector)
                    ShortVector.fromMemorySegment(Lanes.HALF_S, w, at + MINS + 16L * (b & ~1) + 2L * lane, LITTLE)
                            .convertShape(S2I, I, 0);
            sum = ((FloatVector) pairs.lanewise(LSHR, shift).and(63).convert(I2F, 0))
                    .mul(d)
                    .fma(FloatVector.broadcast(F, x.scales[sumsAt + b]), sum);
        }
        sum.add(FloatVector.fromArray(F, y, yAt)).intoArray(y, yAt);
    }

    /// No sum exceeds 8 * 31 * 127, which is below 2^15, so that two are added as wider numbers.
    static void q5(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        FloatVector d = Lanes.halves(w, at + 2L * lane).mul(Lanes.HALF_BIAS);
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        for (int b = 0; b < BLOCKS; b++) {
            long p = at + WEIGHTS + 256L * (b & ~1) + 4L * lane;
            long q = at + FIFTH_BITS + 4L * lane;
            int shift = (b & 1) * 4;
            int e = (first / BLOCK + b) * PAIRS;
            FloatVector scale =
                    Lanes.bytes(w, at + SCALES + 16L * b + lane).mul(d).mul(x.scales[first / BLOCK + b]);
            ShortVector s0 = ShortVector.zero(S), s1 = s0;
            for (int i = 0; i < 8; i++) {
                ShortVector v =
                        ShortVector.fromMemorySegment(S, w, p + 64L * i, LITTLE).lanewise(LSHR, shift);
                ShortVector h =
                        ShortVector.fromMemorySegment(S, w, q + 64L * i, LITTLE).lanewise(LSHR, b);
                ShortVector u = h.lanewise(LSHL, 4).and((short) 16).or(v.and((short) 15));
                s0 = s0.add(u.mul(Lanes.pair(x.floats, e + 2 * i)));
                u = h.lanewise(LSHR, 4).and((short) 16).or(v.lanewise(LSHR, 8).and((short) 15));
                s1 = s1.add(u.mul(Lanes.pair(x.floats, e + 2 * i + 1)));
            }
            IntVector v0 = s0.reinterpretAsInts();
            IntVector v1 = s1.reinterpretAsInts();
            IntVector dot = v0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(v0.lanewise(ASHR, 16));
            dot = v1.lanewise(LSHL, 16)
                    .lanewise(ASHR, 16)
                    .add(v1.lanewise(ASHR, 16))
                    .add(dot);
            sum = ((FloatVector) dot.convert(I2F, 0)).fma(scale, sum);
        }
        sum.intoArray(y, yAt);
        offsets(w, at, lane, x, first / BLOCK, y, yAt);
    }

    /// Two sums for each block, which has two scales: no sum exceeds 8 * 32 * 127, which is below 2^15, and
    /// together, times their scales, they stay below 2^24.
    static void q6(MemorySegment w, long at, int lane, int depth, PackedColumns x, int first, float[] y, int yAt) {
        FloatVector d = Lanes.halves(w, at + 2L * lane).mul(Lanes.HALF_BIAS);
        FloatVector sum = FloatVector.fromArray(F, y, yAt);
        FloatVector dot = FloatVector.zero(F);
        for (int half = 0; half < 2 * BLOCKS; half++) {
            int b = half / 2;
            long quads = at + LOWER_BITS + (long) HALF * (b / 4) + 256L * (half % 2) + 4L * lane;
            long p = quads + 512L * (b % 2);
            long q = quads + UPPER_BITS;
            int shift = b % 4 / 2 * 4;
            int highShift = b % 4 * 2;
            int e = first / 2 + half * (PAIRS / 2);
            FloatVector scale = Lanes.bytes(w, at + SIX_SCALES + 16L * half + lane);
            ShortVector s = ShortVector.zero(S);
            for (int i = 0; i < 4; i++) {
                ShortVector l =
                        ShortVector.fromMemorySegment(S, w, p + 64L * i, LITTLE).lanewise(LSHR, shift);
                ShortVector h =
                        ShortVector.fromMemorySegment(S, w, q + 64L * i, LITTLE).lanewise(LSHR, highShift);
                ShortVector u = h.lanewise(LSHL, 4).and((short) 48).or(l.and((short) 15));
                s = s.add(u.sub((short) 32).mul(Lanes.pair(x.floats, e + 2 * i)));
                u = h.lanewise(LSHR, 4).and((short) 48).or(l.lanewise(LSHR, 8).and((short) 15));
                s = s.add(u.sub((short) 32).mul(Lanes.pair(x.floats, e + 2 * i + 1)));
            }
            IntVector v = s.reinterpretAsInts();
            v = v.lanewise(LSHL, 16).lanewise(ASHR, 16).add(v.lanewise(ASHR, 16));
            FloatVector product = ((FloatVector) v.convert(I2F, 0)).mul(scale);
            if (half % 2 == 0) {
                dot = product;
            } else {
                sum = dot.add(product).fma(d.mul(x.scales[first / BLOCK + b]), sum);
            }
        }
        sum.intoArray(y, yAt);
    }
}
