package io.moetier.kernels.cpu.arithmetic;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2F;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.S2I;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// The vector width of this machine, and the pieces that all vector kernels share.
///
/// A tile has sixteen rows, so a vector of 512 bits is a tile, and narrower vectors take a tile in two or
/// four turns.
///
/// Sums over lanes are written out: the order of `reduceLanes` is unspecified for floating-point addition,
/// and differs between the interpreter and compiled code, which would make results depend on how warm the JVM
/// is.
///
/// Arithmetic is done in vectors of one width; narrower ones are read and converted, and nothing else. The
/// JDK's methods call each other through the class of the vector, which the compiler guesses from what it has
/// seen in the whole process: where it saw two widths of one element type, it compiles for both, and what
/// comes of either is an object on the heap.
public final class Lanes {
    public static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    public static final VectorSpecies<Float> F =
            FloatVector.SPECIES_PREFERRED.length() > 16 ? FloatVector.SPECIES_512 : FloatVector.SPECIES_PREFERRED;
    public static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    public static final VectorSpecies<Short> S = VectorSpecies.of(short.class, F.vectorShape());
    public static final VectorSpecies<Short> HALF_S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(Math.max(64, F.vectorBitSize() / 2)));

    /// As many bytes as there are lanes, or eight if there are four; the reader must have those.
    public static final VectorSpecies<Byte> B =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, F.vectorBitSize() / 4)));

    /// Lanes of a vector: 16, 8 or 4.
    public static final int WIDTH = F.length();

    /// What [#halves] leaves out: a float16 read as the upper bits of a float32 is the value times 2^-112.
    public static final float HALF_BIAS = 0x1p112f;

    /// Twice the floats of four bits (a sign, two bits of exponent and one of mantissa).
    public static final ByteVector TWICE_FP4 = table(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

    /// What the codes of `IQ4_NL` and `IQ4_XS` stand for.
    public static final ByteVector IQ4 =
            table(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    private static final float LOG2_E = 1.442695f;
    private static final float LN2_HIGH = 0.6933594f;
    private static final float LN2_LOW = -2.1219444e-4f;
    private static final float C1 = 0.16666666f;
    private static final float C2 = 0.041665796f;
    private static final float C3 = 0.008333452f;
    private static final float C4 = 0.0013981999f;
    private static final float C5 = 0.00019875691f;
    private static final float LEAST_EXPONENT = -87.3f;
    private static final float LARGEST_EXPONENT = 88.3f;
    private static final float ROUNDER = 12582912f; // 1.5 * 2^23: adding it rounds to a whole number
    private static final int ROUNDER_BITS = Float.floatToRawIntBits(ROUNDER);

    private Lanes() {}

    /// Repeats sixteen values, to be selected from by bytes.
    private static ByteVector table(int... values) {
        byte[] repeated = new byte[4 * WIDTH];
        for (int i = 0; i < repeated.length; i++) {
            repeated[i] = (byte) values[i % values.length];
        }
        return ByteVector.fromArray(VectorSpecies.of(byte.class, F.vectorShape()), repeated, 0);
    }

    /// Reads float16 values as float32, each times 2^-112. Exact, subnormal values included; finite values
    /// only.
    public static FloatVector halves(MemorySegment segment, long at) {
        IntVector wide = (IntVector)
                ShortVector.fromMemorySegment(HALF_S, segment, at, LITTLE).convertShape(S2I, I, 0);
        return wide.lanewise(LSHL, 13).and(0x8FFFE000).reinterpretAsFloats();
    }

    /// Reads the even ones of interleaved bfloat16 pairs.
    public static FloatVector even(IntVector pairs) {
        return pairs.lanewise(LSHL, 16).reinterpretAsFloats();
    }

    /// Reads the odd ones of interleaved bfloat16 pairs.
    public static FloatVector odd(IntVector pairs) {
        return pairs.and(0xFFFF0000).reinterpretAsFloats();
    }

    /// Reads byte `number` of each lane, sign-extended.
    public static FloatVector bytes(IntVector quads, int number) {
        return (FloatVector)
                quads.lanewise(LSHL, 24 - 8 * number).lanewise(ASHR, 24).convert(I2F, 0);
    }

    /// Reads four codes of each lane, the lower (`shift` 0) or upper (`shift` 4) halves of four bytes, as the bytes of
    /// `table` that they stand for.
    public static IntVector lookUp(MemorySegment segment, long at, int shift, ByteVector table) {
        return IntVector.fromMemorySegment(I, segment, at, LITTLE)
                .lanewise(LSHR, shift)
                .and(0x0F0F0F0F)
                .reinterpretAsBytes()
                .selectFrom(table)
                .reinterpretAsInts();
    }

    /// Reads half a byte of each lane, `number` of eight, the lower half of the first byte being number 0.
    public static FloatVector nibbles(IntVector quads, int number) {
        return (FloatVector) quads.lanewise(LSHR, 4 * number).and(15).convert(I2F, 0);
    }

    /// Reads exponents of eight bits as powers of two, 127 being 1. 255 is not one.
    public static FloatVector powers(MemorySegment segment, long at) {
        IntVector exponents =
                (IntVector) ByteVector.fromMemorySegment(B, segment, at, LITTLE).convertShape(ZERO_EXTEND_B2I, I, 0);
        return exponents.lanewise(LSHL, 23).max(0x00400000).reinterpretAsFloats();
    }

    /// Reads signed bytes.
    public static FloatVector bytes(MemorySegment segment, long at) {
        return (FloatVector)
                ByteVector.fromMemorySegment(B, segment, at, LITTLE).convertShape(B2F, F, 0);
    }

    /// Reads an element of the pairs of activations that [io.moetier.kernels.cpu.vector.VectorColumns] packs, into all
    /// lanes.
    public static ShortVector pair(float[] pairs, int at) {
        return FloatVector.broadcast(F, pairs[at]).reinterpretAsShorts();
    }

    /// Adds the lanes of a vector that was stored in `lanes`, in a fixed order.
    ///
    /// The caller stores it: a vector handed to a method that is not inlined is an object on the heap.
    public static float sum(float[] lanes) {
        for (int width = WIDTH / 2; width > 0; width /= 2) {
            for (int i = 0; i < width; i++) {
                lanes[i] += lanes[i + width];
            }
        }
        return lanes[0];
    }

    /// Writes `e^(x * factor + shift)` for `length` elements of `x` from `at` on to `out` from `outAt` on,
    /// which may be the same place. Within 2 units in the last place; 0 for exponents below -87.3.
    ///
    /// The polynomial is that of expf in Cephes. Not `EXP` of the Vector API, which is another function on
    /// another machine.
    public static void exp(float[] x, int at, int length, float factor, float shift, float[] out, int outAt) {
        FloatVector factors = FloatVector.broadcast(F, factor);
        FloatVector shifts = FloatVector.broadcast(F, shift);
        int whole = F.loopBound(length);
        for (int i = 0; i < whole; i += WIDTH) {
            FloatVector v = FloatVector.fromArray(F, x, at + i).fma(factors, shifts);
            FloatVector bounded = v.max(LEAST_EXPONENT).min(LARGEST_EXPONENT);
            FloatVector rounded = bounded.fma(FloatVector.broadcast(F, LOG2_E), FloatVector.broadcast(F, ROUNDER));
            FloatVector n = rounded.sub(ROUNDER);
            FloatVector r = n.fma(FloatVector.broadcast(F, -LN2_HIGH), bounded);
            r = n.fma(FloatVector.broadcast(F, -LN2_LOW), r);
            FloatVector p = FloatVector.broadcast(F, C5);
            p = p.fma(r, FloatVector.broadcast(F, C4));
            p = p.fma(r, FloatVector.broadcast(F, C3));
            p = p.fma(r, FloatVector.broadcast(F, C2));
            p = p.fma(r, FloatVector.broadcast(F, C1));
            p = p.fma(r, FloatVector.broadcast(F, 0.5f));
            p = p.fma(r.mul(r), r).add(1f);
            IntVector power =
                    rounded.reinterpretAsInts().add(127 - ROUNDER_BITS).lanewise(LSHL, 23);
            p.mul(power.reinterpretAsFloats())
                    .blend(0f, v.compare(LT, LEAST_EXPONENT))
                    .intoArray(out, outAt + i);
        }
        for (int i = whole; i < length; i++) {
            out[outAt + i] = exp(Math.fma(x[at + i], factor, shift));
        }
    }

    /// Returns `e^x` as the vectors give it, bit for bit.
    public static float exp(float x) {
        if (x < LEAST_EXPONENT) {
            return 0f;
        }
        float bounded = Math.min(Math.max(x, LEAST_EXPONENT), LARGEST_EXPONENT);
        float rounded = Math.fma(bounded, LOG2_E, ROUNDER);
        float n = rounded - ROUNDER;
        float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, bounded));
        float p = C5;
        p = Math.fma(p, r, C4);
        p = Math.fma(p, r, C3);
        p = Math.fma(p, r, C2);
        p = Math.fma(p, r, C1);
        p = Math.fma(p, r, 0.5f);
        p = Math.fma(p, r * r, r) + 1f;
        return p * Float.intBitsToFloat((Float.floatToRawIntBits(rounded) - ROUNDER_BITS + 127) << 23);
    }
}
