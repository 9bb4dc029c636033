package io.moetier.emulator.ptx.run;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Rounding;
import io.moetier.emulator.ptx.lane.Floats;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// `cvt` between all types, in every direction of rounding.
class ConversionTest {
    private static final List<PtxType> INTEGERS = List.of(
            PtxType.U8, PtxType.S8, PtxType.U16, PtxType.S16, PtxType.U32, PtxType.S32, PtxType.U64, PtxType.S64);
    private static final List<PtxType> FLOATS = List.of(PtxType.F16, PtxType.BF16, PtxType.F32, PtxType.F64);

    @ParameterizedTest
    @EnumSource(names = {"U8", "S8", "U16", "S16", "U32", "S32", "U64", "S64"})
    void integersAreCutOrSaturated(PtxType from) {
        for (PtxType to : INTEGERS) {
            List<long[]> rows = integers(from);
            check(
                    "cvt" + dot(to) + dot(from),
                    to,
                    from,
                    rows,
                    x -> integer(to, x[0], from).longValue());
            check("cvt.sat" + dot(to) + dot(from), to, from, rows, x -> clamp(to, value(from, x[0])));
        }
    }

    /// Cutting keeps the low bits and reads them as the new type does.
    private static BigInteger integer(PtxType to, long bits, PtxType from) {
        return value(to, value(from, bits).longValue());
    }

    @ParameterizedTest
    @EnumSource
    void integersBecomeFloatsRoundedOnce(Rounding rounding) {
        for (PtxType from : INTEGERS) {
            for (PtxType to : FLOATS) {
                String opcode = "cvt." + InstructionLab.suffix(rounding) + dot(to) + dot(from);
                check(opcode, to, from, integers(from), x -> rounded(to, new BigDecimal(value(from, x[0])), rounding));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void floatsBecomeIntegersSaturated(Rounding rounding) {
        for (PtxType from : FLOATS) {
            for (PtxType to : INTEGERS) {
                String opcode = "cvt." + InstructionLab.suffix(rounding) + "i" + dot(to) + dot(from);
                check(opcode, to, from, floats(from), x -> whole(to, from, x[0], rounding));
            }
        }
    }

    private static long whole(PtxType to, PtxType from, long bits, Rounding rounding) {
        double value = Floats.value(from, bits);
        if (Double.isNaN(value)) {
            return from == PtxType.F64 || to.wide() ? 1L << (to.bits() - 1) : 0;
        }
        if (Double.isInfinite(value)) {
            return clamp(to, BigInteger.ONE.shiftLeft(70).multiply(BigInteger.valueOf(value > 0 ? 1 : -1)));
        }
        RoundingMode mode = switch (rounding) {
            case NEAREST -> RoundingMode.HALF_EVEN;
            case ZERO -> RoundingMode.DOWN;
            case DOWN -> RoundingMode.FLOOR;
            case UP -> RoundingMode.CEILING;
        };
        return clamp(to, new BigDecimal(value).setScale(0, mode).toBigInteger());
    }

    @ParameterizedTest
    @EnumSource
    void floatsAreNarrowedRoundedOnce(Rounding rounding) {
        for (PtxType from : FLOATS) {
            for (PtxType to : FLOATS) {
                boolean narrower = to.bytes < from.bytes || (to.bytes == from.bytes && to != from);
                String opcode = narrower ? "cvt." + InstructionLab.suffix(rounding) : "cvt";
                check(opcode + dot(to) + dot(from), to, from, floats(from), x -> {
                    double value = Floats.value(from, x[0]);
                    boolean special = value == 0 || Double.isNaN(value) || Double.isInfinite(value);
                    return special
                            ? Floats.bits(to, value)
                            : rounded(to, new BigDecimal(value), narrower ? rounding : Rounding.NEAREST);
                });
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void floatsAreRoundedToWholeNumbers(Rounding rounding) {
        for (PtxType type : FLOATS) {
            String opcode = "cvt." + InstructionLab.suffix(rounding) + "i" + dot(type) + dot(type);
            check(opcode, type, type, floats(type), x -> {
                double value = Floats.value(type, x[0]);
                return Floats.bits(
                        type,
                        switch (rounding) {
                            case NEAREST -> Math.rint(value);
                            case ZERO -> value < 0 ? Math.ceil(value) : Math.floor(value);
                            case DOWN -> Math.floor(value);
                            case UP -> Math.ceil(value);
                        });
            });
        }
    }

    @ParameterizedTest
    @CsvSource({"F16,F32", "F32,F32", "F32,F16", "BF16,F32"})
    void saturatedFloatsLieBetweenZeroAndOne(PtxType to, PtxType from) {
        String opcode = "cvt" + (to.bytes < from.bytes ? ".rn" : "") + ".sat" + dot(to) + dot(from);
        check(opcode, to, from, floats(from), x -> {
            double value = Floats.value(from, x[0]);
            double kept = value > 0 ? Math.min(value, 1) : 0;
            return kept == 0 || kept == 1 ? Floats.bits(to, kept) : rounded(to, new BigDecimal(kept), Rounding.NEAREST);
        });
    }

    @ParameterizedTest
    @CsvSource({"F16X2,F16", "BF16X2,BF16"})
    void twoFloatsArePackedTheFirstAbove(PtxType packed, PtxType half) {
        List<long[]> floats = floats(PtxType.F32);
        List<long[]> rows = new ArrayList<>();
        for (int i = 0; i < floats.size(); i++) {
            rows.add(new long[] {floats.get(i)[0], floats.get((i * 5 + 1) % floats.size())[0]});
        }
        long[] found = InstructionLab.run(
                "cvt.rn" + dot(packed) + ".f32", PtxType.B32, List.of(PtxType.F32, PtxType.F32), rows);
        long[] upper = InstructionLab.run("cvt.rn" + dot(half) + ".f32", half, List.of(PtxType.F32), first(rows, 0));
        long[] lower = InstructionLab.run("cvt.rn" + dot(half) + ".f32", half, List.of(PtxType.F32), first(rows, 1));
        for (int i = 0; i < found.length; i++) {
            assertEquals(upper[i] << 16 | lower[i], found[i]);
        }
    }

    private static List<long[]> first(List<long[]> rows, int index) {
        return rows.stream().map(x -> new long[] {x[index]}).toList();
    }

    private static void check(
            String opcode, PtxType to, PtxType from, List<long[]> rows, InstructionLab.Reference reference) {
        // Results of 8 bits come in registers of 16, with their sign.
        InstructionLab.check(opcode, to.bytes == 1 ? PtxType.B16 : to, List.of(from), rows, reference);
    }

    private static List<long[]> integers(PtxType from) {
        List<long[]> rows = new ArrayList<>();
        for (long value : new long[] {
            0,
            1,
            -1,
            127,
            128,
            255,
            256,
            2047,
            2049,
            32767,
            32768,
            65535,
            65520,
            0x1000001,
            0x1000003,
            0x7fffffff,
            0x80000000L,
            0xffffffffL,
            0x20000000000001L,
            0x7fffff4000000001L,
            Long.MAX_VALUE,
            Long.MIN_VALUE,
            0xffffff8000000000L
        }) {
            rows.add(new long[] {value & InstructionLab.mask(from)});
        }
        rows.addAll(InstructionLab.random(1, from.bytes == 1 ? PtxType.B16 : from, 60));
        return rows;
    }

    private static List<long[]> floats(PtxType from) {
        List<long[]> rows = FloatInstructionTest.rows(from, 1);
        for (double value : new double[] {
            0.5,
            -0.5,
            1.5,
            2.5,
            -2.5,
            127.5,
            -128.5,
            255.5,
            32767.5,
            65535.9,
            2147483647.5,
            4294967295.5,
            9.3e18,
            1.9e19,
            -1.5e9
        }) {
            rows.add(new long[] {Floats.bits(from, Floats.round(from, value, Rounding.NEAREST))});
        }
        return rows;
    }

    private static long rounded(PtxType to, BigDecimal exact, Rounding rounding) {
        return exact.signum() == 0 ? 0 : ExactRounding.round(to, exact.signum() < 0, exact.abs()::compareTo, rounding);
    }

    private static long clamp(PtxType to, BigInteger value) {
        int bits = to.signed() ? to.bits() - 1 : to.bits();
        BigInteger most = BigInteger.ONE.shiftLeft(bits).subtract(BigInteger.ONE);
        BigInteger least = to.signed() ? most.not() : BigInteger.ZERO;
        return value.max(least).min(most).longValue();
    }

    private static BigInteger value(PtxType type, long bits) {
        BigInteger unsigned = new BigInteger(Long.toUnsignedString(bits))
                .and(BigInteger.ONE.shiftLeft(type.bits()).subtract(BigInteger.ONE));
        boolean negative = type.signed() && unsigned.testBit(type.bits() - 1);
        return negative ? unsigned.subtract(BigInteger.ONE.shiftLeft(type.bits())) : unsigned;
    }

    private static String dot(PtxType type) {
        return "." + type.name().toLowerCase(Locale.ROOT);
    }
}
