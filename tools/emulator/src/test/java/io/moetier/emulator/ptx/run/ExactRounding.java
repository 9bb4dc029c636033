package io.moetier.emulator.ptx.run;

import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Rounding;
import java.math.BigDecimal;

/// Rounds exact results to a format by searching its numbers, which is slow and shares nothing with what is tested.
final class ExactRounding {
    private ExactRounding() {}

    /// The size of an exact result, which need not be a decimal: a quotient, a root.
    interface Size {
        /// Returns the sign of the result's size less `candidate`.
        int compareTo(BigDecimal candidate);
    }

    /// Returns the bits of a result that is not zero.
    static long round(PtxType type, boolean negative, Size size, Rounding rounding) {
        long infinity = infinity(type);
        long low = 0;
        long high = infinity;
        while (high - low > 1) {
            long middle = (low + high) >>> 1;
            if (size.compareTo(value(type, middle)) >= 0) {
                low = middle;
            } else {
                high = middle;
            }
        }
        boolean exact = size.compareTo(value(type, low)) == 0;
        long rounded = exact
                ? low
                : switch (rounding) {
                    case NEAREST -> nearest(type, low, size);
                    case ZERO -> low;
                    case DOWN -> negative ? low + 1 : low;
                    case UP -> negative ? low : low + 1;
                };
        return negative ? rounded | (1L << (type.bits() - 1)) : rounded;
    }

    private static long nearest(PtxType type, long low, Size size) {
        BigDecimal middle = value(type, low).add(value(type, low + 1)).divide(BigDecimal.valueOf(2));
        int side = size.compareTo(middle);
        return side < 0 || (side == 0 && (low & 1) == 0) ? low : low + 1;
    }

    static long infinity(PtxType type) {
        return switch (type) {
            case F16 -> 0x7c00;
            case BF16 -> 0x7f80;
            case F32 -> 0x7f800000L;
            default -> 0x7ff0000000000000L;
        };
    }

    /// Returns the value of a pattern without a sign; infinity counts as the number that would come next.
    static BigDecimal value(PtxType type, long bits) {
        if (bits == infinity(type)) {
            BigDecimal last = value(type, bits - 1);
            return last.add(last.subtract(value(type, bits - 2)));
        }
        int fraction = switch (type) {
            case F16 -> 10;
            case BF16 -> 7;
            case F32 -> 23;
            default -> 52;
        };
        int bias = switch (type) {
            case F16 -> 15;
            case F64 -> 1023;
            default -> 127;
        };
        long exponent = bits >>> fraction;
        long digits = bits & (1L << fraction) - 1;
        long whole = exponent == 0 ? digits : digits | 1L << fraction;
        int power = (int) Math.max(exponent, 1) - bias - fraction;
        BigDecimal two = BigDecimal.valueOf(2);
        BigDecimal unit = power >= 0 ? two.pow(power) : BigDecimal.ONE.divide(two.pow(-power));
        return unit.multiply(BigDecimal.valueOf(whole));
    }

    static BigDecimal signed(PtxType type, long bits) {
        long size = bits & (1L << (type.bits() - 1)) - 1;
        return size == bits ? value(type, size) : value(type, size).negate();
    }
}
