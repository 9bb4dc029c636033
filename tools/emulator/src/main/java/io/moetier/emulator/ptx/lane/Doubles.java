package io.moetier.emulator.ptx.lane;

import io.moetier.emulator.ptx.code.Rounding;
import java.math.BigDecimal;
import java.math.BigInteger;

/// Arithmetic of doubles rounded in a given direction: the nearest result, moved if the exact one lies beyond it.
final class Doubles {
    private Doubles() {}

    static double add(double a, double b, Rounding rounding) {
        double sum = a + b;
        if (rounding == Rounding.NEAREST || !finite(a) || !finite(b)) {
            return sum;
        }
        if (sum == 0) {
            boolean same = a == 0 && Math.copySign(1, a) == Math.copySign(1, b);
            return same ? sum : rounding == Rounding.DOWN ? -0.0 : 0.0;
        }
        return directed(sum, new BigDecimal(a).add(new BigDecimal(b)), rounding);
    }

    static double mul(double a, double b, Rounding rounding) {
        double product = a * b;
        boolean exact = rounding == Rounding.NEAREST || !finite(a) || !finite(b) || a == 0 || b == 0;
        return exact ? product : directed(product, new BigDecimal(a).multiply(new BigDecimal(b)), rounding);
    }

    static double fma(double a, double b, double c, Rounding rounding) {
        double result = Math.fma(a, b, c);
        if (rounding == Rounding.NEAREST || !finite(a) || !finite(b) || !finite(c)) {
            return result;
        }
        BigDecimal exact = new BigDecimal(a).multiply(new BigDecimal(b)).add(new BigDecimal(c));
        if (exact.signum() == 0) {
            return add(Math.copySign(a == 0 || b == 0 ? 0 : 1, a) * b == 0 ? a * b : -c, c, rounding);
        }
        return directed(result, exact, rounding);
    }

    static double div(double a, double b, Rounding rounding) {
        double quotient = a / b;
        if (rounding == Rounding.NEAREST || !finite(a) || !finite(b) || a == 0 || b == 0) {
            return quotient;
        }
        boolean negative = a < 0 != b < 0;
        BigDecimal size = new BigDecimal(Math.abs(a));
        BigDecimal divisor = new BigDecimal(Math.abs(b));
        double reached = Math.min(Math.abs(quotient), Double.MAX_VALUE);
        int beyond = size.compareTo(divisor.multiply(new BigDecimal(reached)));
        return moved(quotient, negative ? -beyond : beyond, negative, rounding);
    }

    static double sqrt(double a, Rounding rounding) {
        double root = Math.sqrt(a);
        if (rounding == Rounding.NEAREST || !(root > 0) || !finite(root)) {
            return root;
        }
        BigDecimal square = new BigDecimal(root).pow(2);
        return moved(root, new BigDecimal(a).compareTo(square), false, rounding);
    }

    /// Rounds a whole number of 64 bits.
    static double fromInteger(long value, boolean signed, Rounding rounding) {
        BigInteger exact = BigInteger.valueOf(value);
        if (!signed && value < 0) {
            exact = exact.add(BigInteger.ONE.shiftLeft(64));
        }
        double nearest = exact.doubleValue();
        return rounding == Rounding.NEAREST || value == 0
                ? nearest
                : directed(nearest, new BigDecimal(exact), rounding);
    }

    private static double directed(double nearest, BigDecimal exact, Rounding rounding) {
        boolean negative = exact.signum() < 0;
        double reached = Math.clamp(nearest, -Double.MAX_VALUE, Double.MAX_VALUE);
        return moved(nearest, exact.compareTo(new BigDecimal(reached)), negative, rounding);
    }

    /// @param beyond the sign of what the exact result is above `nearest`, or above the largest number if that is
    ///     infinite
    private static double moved(double nearest, int beyond, boolean negative, Rounding rounding) {
        boolean down = rounding == Rounding.DOWN || (rounding == Rounding.ZERO && !negative);
        if (!finite(nearest)) {
            return down == negative ? nearest : Math.copySign(Double.MAX_VALUE, nearest);
        }
        if (beyond < 0 && down) {
            return Math.nextDown(nearest);
        }
        return beyond > 0 && !down ? signed(Math.nextUp(nearest), negative) : nearest;
    }

    private static double signed(double value, boolean negative) {
        return value == 0 && negative ? -0.0 : value;
    }

    private static boolean finite(double value) {
        return !Double.isNaN(value) && !Double.isInfinite(value);
    }
}
