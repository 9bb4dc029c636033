package io.moetier.emulator.ptx.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Rounding;
import io.moetier.emulator.ptx.lane.Floats;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Floating-point instructions against exact arithmetic, rounded once.
class FloatInstructionTest {

    @ParameterizedTest
    @CsvSource({
        "F32,NEAREST",
        "F32,ZERO",
        "F32,DOWN",
        "F32,UP",
        "F64,NEAREST",
        "F64,ZERO",
        "F64,DOWN",
        "F64,UP",
        "F16,NEAREST",
        "BF16,NEAREST"
    })
    void sumsAndProductsAreRoundedOnce(PtxType type, Rounding rounding) {
        String suffix = "." + InstructionLab.suffix(rounding) + dot(type);
        List<long[]> pairs = rows(type, 2);
        check("add" + suffix, type, pairs, x -> sum(type, x[0], x[1], rounding));
        check("sub" + suffix, type, pairs, x -> sum(type, x[0], negated(type, x[1]), rounding));
        check("mul" + suffix, type, pairs, x -> product(type, x[0], x[1], rounding));
        check("fma" + suffix, type, rows(type, 3), x -> fused(type, x[0], x[1], x[2], rounding));
    }

    @ParameterizedTest
    @CsvSource({"F32,NEAREST", "F32,ZERO", "F32,DOWN", "F32,UP", "F64,NEAREST", "F64,ZERO", "F64,DOWN", "F64,UP"})
    void quotientsAndRootsAreRoundedOnce(PtxType type, Rounding rounding) {
        String suffix = "." + InstructionLab.suffix(rounding) + dot(type);
        check("div" + suffix, type, rows(type, 2), x -> quotient(type, x[0], x[1], rounding));
        long one = Floats.bits(type, 1);
        check("rcp" + suffix, type, rows(type, 1), x -> quotient(type, one, x[0], rounding));
        check("sqrt" + suffix, type, rows(type, 1), x -> {
            double root = Math.sqrt(value(type, x[0]));
            if (root == 0 || Double.isNaN(root) || Double.isInfinite(root)) {
                return Floats.bits(type, root);
            }
            BigDecimal a = ExactRounding.signed(type, x[0]);
            return ExactRounding.round(type, false, c -> a.compareTo(c.multiply(c)), rounding);
        });
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "F32", "F64"})
    void minimumPrefersNumbersAndMinusZero(PtxType type) {
        List<long[]> pairs = rows(type, 2);
        check("min" + dot(type), type, pairs, x -> extreme(type, x, false, true));
        check("max" + dot(type), type, pairs, x -> extreme(type, x, false, false));
        if (type != PtxType.F64) {
            check("min.NaN" + dot(type), type, pairs, x -> extreme(type, x, true, true));
            check("max.NaN" + dot(type), type, pairs, x -> extreme(type, x, true, false));
        }
    }

    private static long extreme(PtxType type, long[] x, boolean spreads, boolean least) {
        double a = value(type, x[0]);
        double b = value(type, x[1]);
        if (Double.isNaN(a) || Double.isNaN(b)) {
            return Floats.bits(type, spreads ? Double.NaN : Double.isNaN(a) ? b : a);
        }
        int order = Double.compare(a, b); // minus zero is less than zero
        return (order <= 0) == least ? x[0] : x[1];
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "F32", "F64"})
    void signsAreBits(PtxType type) {
        check("neg" + dot(type), type, rows(type, 1), x -> negated(type, x[0]));
        check("abs" + dot(type), type, rows(type, 1), x -> x[0] & ~negated(type, 0));
    }

    @ParameterizedTest
    @CsvSource({"F16X2,F16", "BF16X2,BF16"})
    void packedHalvesAreComputedApart(PtxType packed, PtxType half) {
        List<long[]> rows = new ArrayList<>();
        List<long[]> low = rows(half, 3);
        for (int i = 0; i < low.size(); i++) {
            long[] other = low.get((i * 7 + 3) % low.size());
            long[] row = low.get(i);
            rows.add(new long[] {row[0] | other[0] << 16, row[1] | other[1] << 16, row[2] | other[2] << 16});
        }
        packed("fma.rn", packed, rows, 3, x -> fused(half, x[0], x[1], x[2], Rounding.NEAREST), half);
        packed("add.rn", packed, rows, 2, x -> sum(half, x[0], x[1], Rounding.NEAREST), half);
        packed("mul.rn", packed, rows, 2, x -> product(half, x[0], x[1], Rounding.NEAREST), half);
        packed("max", packed, rows, 2, x -> extreme(half, x, false, false), half);
    }

    private static void packed(
            String name,
            PtxType packed,
            List<long[]> rows,
            int operands,
            InstructionLab.Reference reference,
            PtxType half) {
        List<PtxType> types = java.util.Collections.nCopies(operands, packed);
        long[] found = InstructionLab.run(
                name + dot(packed),
                PtxType.B32,
                types,
                rows.stream().map(x -> java.util.Arrays.copyOf(x, operands)).toList());
        for (int i = 0; i < found.length; i++) {
            for (int shift = 0; shift < 32; shift += 16) {
                int down = shift;
                long[] x = java.util.Arrays.stream(rows.get(i))
                        .map(y -> y >>> down & 0xffff)
                        .toArray();
                long expected = reference.result(x);
                long actual = found[i] >>> shift & 0xffff;
                if (!InstructionLab.nan(half, expected) || !InstructionLab.nan(half, actual)) {
                    assertEquals(expected, actual, name + " " + java.util.Arrays.toString(x));
                }
            }
        }
    }

    @Test
    void saturatedResultsLieBetweenZeroAndOne() {
        check("add.sat.f32", PtxType.F32, rows(PtxType.F32, 2), x -> {
            float sum = f(x[0]) + f(x[1]);
            return bits(sum > 0 ? Math.min(sum, 1) : 0);
        });
        check("fma.rn.sat.f32", PtxType.F32, rows(PtxType.F32, 3), x -> {
            float sum = Math.fma(f(x[0]), f(x[1]), f(x[2]));
            return bits(sum > 0 ? Math.min(sum, 1) : 0);
        });
    }

    @Test
    void flushedSubnormalNumbersAreZeros() {
        check("add.ftz.f32", PtxType.F32, rows(PtxType.F32, 2), x -> bits(flush(flush(f(x[0])) + flush(f(x[1])))));
        check("mul.ftz.f32", PtxType.F32, rows(PtxType.F32, 2), x -> bits(flush(flush(f(x[0])) * flush(f(x[1])))));
        check("abs.ftz.f32", PtxType.F32, rows(PtxType.F32, 1), x -> bits(Math.abs(flush(f(x[0])))));
    }

    private static float flush(float value) {
        return Math.abs(value) < Float.MIN_NORMAL ? Math.copySign(0f, value) : value;
    }

    @Test
    void signsAreCopied() {
        check("copysign.f32", PtxType.F32, rows(PtxType.F32, 2), x -> (x[1] & 0x7fffffffL) | (x[0] & 0x80000000L));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ex2", "lg2", "sin", "cos", "tanh", "rsqrt", "rcp", "sqrt"})
    void approximationsAreTheNearestFloat(String name) {
        DoubleUnaryOperator exact = function(name);
        List<long[]> rows = rows(PtxType.F32, 1);
        for (double x = -12; x < 12; x += 0.37) {
            rows.add(new long[] {bits((float) x)});
        }
        long[] found = InstructionLab.run(name + ".approx.f32", PtxType.F32, List.of(PtxType.F32), rows);
        for (int i = 0; i < found.length; i++) {
            float x = f(rows.get(i)[0]);
            float expected = (float) exact.applyAsDouble(x);
            float actual = f(found[i]);
            boolean close = Math.abs(actual - expected) <= Math.ulp(expected);
            assertTrue(close || Float.compare(expected, actual) == 0, name + "(" + x + ") = " + actual);
        }
    }

    private static DoubleUnaryOperator function(String name) {
        return switch (name) {
            case "ex2" -> x -> Math.pow(2, x);
            case "lg2" -> x -> Math.log(x) / Math.log(2);
            case "sin" -> Math::sin;
            case "cos" -> Math::cos;
            case "tanh" -> Math::tanh;
            case "rsqrt" -> x -> 1 / Math.sqrt(x);
            case "rcp" -> x -> 1 / x;
            default -> Math::sqrt;
        };
    }

    @Test
    void approximateQuotientsVanishForTheLargestDivisors() {
        check("div.approx.f32", PtxType.F32, rows(PtxType.F32, 2), x -> {
            float a = f(x[0]);
            float b = f(x[1]);
            boolean vanishes = Math.abs(b) > 0x1p126f && !Float.isInfinite(b);
            return bits(vanishes ? a * Math.copySign(0f, b) : a / b);
        });
    }

    static List<long[]> rows(PtxType type, int operands) {
        double largest = Floats.value(type, ExactRounding.infinity(type) - 1);
        long normal =
                type == PtxType.F16 ? 0x400 : type == PtxType.BF16 ? 0x80 : type == PtxType.F32 ? 1L << 23 : 1L << 52;
        long sign = negated(type, 0);
        long one = Floats.bits(type, 1);
        long[] all = {
            0,
            sign,
            one,
            one + 1,
            one - 1 | sign,
            Floats.bits(type, 3),
            1,
            1 | sign,
            normal,
            normal - 1 | sign,
            Floats.bits(type, largest),
            Floats.bits(type, -largest),
            ExactRounding.infinity(type),
            ExactRounding.infinity(type) | sign,
            ExactRounding.infinity(type) + 1,
            Floats.bits(type, Floats.round(type, 0.1, Rounding.ZERO))
        };
        long[] few = {0, sign, one, one + 1 | sign, 1, normal - 1, all[10], all[12], all[14], all[15]};
        List<long[]> rows = InstructionLab.combinations(
                operands, operands == 3 || (type == PtxType.F64 && operands == 2) ? few : all);
        List<long[]> random = InstructionLab.random(operands, type, type == PtxType.F64 ? 30 : 200);
        random.forEach(row -> {
            for (int i = 1; i < row.length; i++) {
                boolean near = (row[0] & 3) == 0; // sums that nearly cancel, products near the ends of the range
                row[i] = near ? (row[0] ^ sign) + (row[i] & 3) & InstructionLab.mask(type) : row[i];
            }
        });
        rows.addAll(random);
        return rows;
    }

    private static void check(String opcode, PtxType type, List<long[]> rows, InstructionLab.Reference reference) {
        InstructionLab.check(
                opcode, type, java.util.Collections.nCopies(rows.getFirst().length, type), rows, reference);
    }

    private static long sum(PtxType type, long a, long b, Rounding rounding) {
        double near = value(type, a) + value(type, b);
        if (!finite(type, a, b)) {
            return Floats.bits(type, near);
        }
        BigDecimal exact = ExactRounding.signed(type, a).add(ExactRounding.signed(type, b));
        return exact.signum() == 0 ? zero(type, a, b, rounding) : rounded(type, exact, rounding);
    }

    /// Zeros of one sign keep it; else minus zero is the result only of rounding down.
    private static long zero(PtxType type, long a, long b, Rounding rounding) {
        boolean zeros = value(type, a) == 0 && value(type, b) == 0 && a == b;
        return zeros ? a : rounding == Rounding.DOWN ? negated(type, 0) : 0;
    }

    private static long product(PtxType type, long a, long b, Rounding rounding) {
        double near = value(type, a) * value(type, b);
        if (!finite(type, a, b) || value(type, a) == 0 || value(type, b) == 0) {
            return Floats.bits(type, near);
        }
        return rounded(type, ExactRounding.signed(type, a).multiply(ExactRounding.signed(type, b)), rounding);
    }

    private static long fused(PtxType type, long a, long b, long c, Rounding rounding) {
        if (!finite(type, a, b) || !finite(type, c, c)) {
            return Floats.bits(type, Math.fma(value(type, a), value(type, b), value(type, c)));
        }
        BigDecimal product = ExactRounding.signed(type, a).multiply(ExactRounding.signed(type, b));
        BigDecimal exact = product.add(ExactRounding.signed(type, c));
        if (exact.signum() != 0) {
            return rounded(type, exact, rounding);
        }
        long sign = (a ^ b) & negated(type, 0);
        return product.signum() == 0 ? zero(type, sign, c, rounding) : zero(type, 0, negated(type, 0), rounding);
    }

    private static long quotient(PtxType type, long a, long b, Rounding rounding) {
        double near = value(type, a) / value(type, b);
        if (!finite(type, a, b) || value(type, a) == 0 || value(type, b) == 0) {
            return Floats.bits(type, near);
        }
        BigDecimal size = ExactRounding.signed(type, a).abs();
        BigDecimal divisor = ExactRounding.signed(type, b).abs();
        return ExactRounding.round(
                type, ((a ^ b) & negated(type, 0)) != 0, c -> size.compareTo(c.multiply(divisor)), rounding);
    }

    private static long rounded(PtxType type, BigDecimal exact, Rounding rounding) {
        return ExactRounding.round(type, exact.signum() < 0, exact.abs()::compareTo, rounding);
    }

    private static boolean finite(PtxType type, long a, long b) {
        return Double.isFinite(value(type, a)) && Double.isFinite(value(type, b));
    }

    private static double value(PtxType type, long bits) {
        return Floats.value(type, bits);
    }

    private static long negated(PtxType type, long bits) {
        return bits ^ 1L << (type.bits() - 1);
    }

    private static float f(long bits) {
        return Float.intBitsToFloat((int) bits);
    }

    private static long bits(float value) {
        return Float.floatToRawIntBits(value) & 0xffffffffL;
    }

    private static String dot(PtxType type) {
        return "." + type.name().toLowerCase(Locale.ROOT);
    }
}
