package io.moetier.emulator.ptx.lane;

import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Rounding;

/// Floating-point arithmetic of all formats, each result rounded once, in any direction.
///
/// Narrow formats are computed in doubles. A sum or product that does not fit one is rounded to odd first: of the two
/// neighbours that whose last bit is set, so that the bit remembers that something was lost and a second rounding, to a
/// format at least two bits shorter, is that of the exact value (Boldo and Melquiond 2008, "Emulation of FMA and
/// correctly rounded sums: proved algorithms using rounding to odd").
public final class Floats {
    static final int NAN_32 = 0x7fffffff;
    static final int NAN_16 = 0x7fff;

    private Floats() {}

    /// The smaller, or the one that is a number; minus zero is smaller than zero.
    static float min(float a, float b) {
        return Float.isNaN(a) ? canonical(b) : Float.isNaN(b) ? a : Math.min(a, b);
    }

    static float max(float a, float b) {
        return Float.isNaN(a) ? canonical(b) : Float.isNaN(b) ? a : Math.max(a, b);
    }

    private static float canonical(float value) {
        return Float.isNaN(value) ? Float.intBitsToFloat(NAN_32) : value;
    }

    static int toHalf(float value) {
        return Float.isNaN(value) ? NAN_16 : Float.floatToFloat16(value) & 0xffff;
    }

    /// Returns the value of a bit pattern; exact for all types.
    public static double value(PtxType type, long bits) {
        return switch (type) {
            case F16 -> Float.float16ToFloat((short) bits);
            case BF16 -> Float.intBitsToFloat((int) bits << 16);
            case F32 -> Float.intBitsToFloat((int) bits);
            case F64 -> Double.longBitsToDouble(bits);
            default -> throw new IllegalArgumentException(type.toString());
        };
    }

    /// Returns the bit pattern of a value that the type can hold; not a number has one pattern.
    public static long bits(PtxType type, double value) {
        boolean nan = Double.isNaN(value);
        return switch (type) {
            case F16 -> nan ? NAN_16 : Float.floatToFloat16((float) value) & 0xffff;
            case BF16 -> nan ? NAN_16 : Float.floatToRawIntBits((float) value) >>> 16;
            case F32 -> nan ? NAN_32 : Float.floatToRawIntBits((float) value) & 0xffffffffL;
            case F64 -> nan ? 0x7fffffffffffffffL : Double.doubleToRawLongBits(value);
            default -> throw new IllegalArgumentException(type.toString());
        };
    }

    /// Rounds a double, exact or rounded to odd, to a narrower type.
    public static double round(PtxType type, double value, Rounding rounding) {
        return switch (type) {
            case F16 -> round(value, 11, 15, rounding);
            case BF16 -> round(value, 8, 127, rounding);
            case F32 -> round(value, 24, 127, rounding);
            default -> value;
        };
    }

    private static double round(double value, int precision, int maxExponent, Rounding rounding) {
        if (value == 0 || Double.isNaN(value) || Double.isInfinite(value)) {
            return value;
        }
        int exponent = Math.max(Math.getExponent(value), 1 - maxExponent);
        int unit = exponent - (precision - 1);
        double rounded = Math.scalb(rounding.whole(Math.scalb(value, -unit)), unit);
        double largest = Math.scalb(2 - Math.scalb(1.0, 1 - precision), maxExponent);
        if (Math.abs(rounded) <= largest) {
            return rounded == 0 ? Math.copySign(0.0, value) : rounded;
        }
        boolean inwards = rounding == Rounding.ZERO
                || (rounding == Rounding.DOWN && value > 0)
                || (rounding == Rounding.UP && value < 0);
        return Math.copySign(inwards ? largest : Double.POSITIVE_INFINITY, value);
    }

    /// Returns a·b + c of a type narrower than a double.
    static double fma(PtxType type, double a, double b, double c, Rounding rounding) {
        return round(type, zeroSign(sumToOdd(a * b, c), a * b, c, rounding), rounding);
    }

    public static double add(PtxType type, double a, double b, Rounding rounding) {
        return round(type, zeroSign(sumToOdd(a, b), a, b, rounding), rounding);
    }

    /// A product of two numbers of at most 24 bits is exact in a double.
    static double mul(PtxType type, double a, double b, Rounding rounding) {
        return round(type, a * b, rounding);
    }

    /// The exact remainder says on which side of the quotient the double lies.
    static double div(PtxType type, double a, double b, Rounding rounding) {
        double quotient = a / b;
        if (Double.isNaN(quotient) || Double.isInfinite(quotient) || quotient == 0) {
            return quotient;
        }
        double error = Math.fma(-quotient, b, a) * Math.signum(b);
        return round(type, toOdd(quotient, error), rounding);
    }

    static double sqrt(PtxType type, double a, Rounding rounding) {
        double root = Math.sqrt(a);
        return root > 0 && root < Double.POSITIVE_INFINITY
                ? round(type, toOdd(root, Math.fma(-root, root, a)), rounding)
                : root;
    }

    /// What cancels exactly is minus zero when rounding down, else plus zero.
    private static double zeroSign(double sum, double a, double b, Rounding rounding) {
        boolean cancelled = sum == 0 && (a != 0 || Math.copySign(1, a) != Math.copySign(1, b));
        return !cancelled ? sum : rounding == Rounding.DOWN ? -0.0 : 0.0;
    }

    /// Knuth's sum with its error.
    private static double sumToOdd(double a, double b) {
        double sum = a + b;
        double part = sum - a;
        double error = (a - (sum - part)) + (b - part);
        return toOdd(sum, error);
    }

    /// Returns `nearest` + `error` rounded to odd, where the error is at most half a unit in the last place.
    static double toOdd(double nearest, double error) {
        long bits = Double.doubleToRawLongBits(nearest);
        if (error == 0 || (bits & 1) != 0 || Double.isNaN(error) || Double.isInfinite(nearest)) {
            return nearest;
        }
        return Double.longBitsToDouble(error > 0 == nearest > 0 ? bits + 1 : bits - 1);
    }
}
