package io.moetier.emulator.ptx.lane;

import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;

/// What `cvt` does to one value.
final class Conversions {
    private Conversions() {}

    /// Returns the bits of the result, sign-extended if the result is signed.
    static long convert(Op op, long bits) {
        if (op.from.floating()) {
            double value = flushed(op, op.from, Floats.value(op.from, bits));
            return op.type.floating() ? toFloat(op, value) : toInteger(op, value);
        }
        long value = op.from.extend(bits);
        return op.type.floating() ? fromInteger(op, value) : narrow(op, value);
    }

    /// Packs two floats as halves: the first operand is the upper one.
    static long pack(Op op, long a, long b) {
        PtxType half = op.type.element();
        long upper = half(op, half, a);
        return upper << 16 | half(op, half, b);
    }

    private static long half(Op op, PtxType half, long bits) {
        double value = Float.intBitsToFloat((int) bits);
        return Floats.bits(half, saturated(op, Floats.round(half, value, op.rounding)));
    }

    private static double flushed(Op op, PtxType type, double value) {
        boolean subnormal = type == PtxType.F32 && Math.abs(value) < Float.MIN_NORMAL;
        return op.ftz && subnormal ? Math.copySign(0.0, value) : value;
    }

    private static double saturated(Op op, double value) {
        return !op.sat ? value : value > 0 ? Math.min(value, 1) : 0;
    }

    private static long toFloat(Op op, double value) {
        double result = op.wholeNumber ? op.rounding.whole(value) : Floats.round(op.type, value, op.rounding);
        return Floats.bits(op.type, flushed(op, op.type, saturated(op, result)));
    }

    private static long fromInteger(Op op, long value) {
        double exact = op.type == PtxType.F64
                ? Doubles.fromInteger(value, op.from.signed(), op.rounding)
                : Floats.round(op.type, toOdd(value, op.from.signed()), op.rounding);
        return Floats.bits(op.type, saturated(op, exact));
    }

    /// Eleven bits less of a large number fit a double; whether one of them was set goes into the last bit.
    private static double toOdd(long value, boolean signed) {
        boolean negative = signed && value < 0;
        long size = negative ? -value : value;
        if (size >>> 53 == 0) {
            return negative ? -(double) size : size;
        }
        double kept = (double) (size >>> 11 | ((size & 0x7ff) != 0 ? 1 : 0)) * 0x1p11;
        return negative ? -kept : kept;
    }

    /// Saturates. What is not a number becomes zero, or the sign bit alone where one side has 64 bits.
    private static long toInteger(Op op, double value) {
        PtxType to = op.type;
        if (Double.isNaN(value)) {
            return op.from == PtxType.F64 || to.wide() ? 1L << (to.bits() - 1) : 0;
        }
        double whole = op.rounding.whole(value);
        if (to.wide()) {
            return to.signed() ? (long) whole : unsigned(whole);
        }
        long least = to.signed() ? -1L << (to.bits() - 1) : 0;
        long most = (1L << (to.signed() ? to.bits() - 1 : to.bits())) - 1;
        return Math.clamp((long) whole, least, most);
    }

    private static long unsigned(double whole) {
        if (whole < 0x1p63) {
            return Math.max(0, (long) whole);
        }
        return whole >= 0x1p64 ? -1 : (long) (whole - 0x1p63) + Long.MIN_VALUE;
    }

    /// Cuts off what is above, or saturates.
    private static long narrow(Op op, long value) {
        PtxType to = op.type;
        if (!op.sat) {
            return to.extend(value);
        }
        boolean large = !op.from.signed() && value < 0;
        if (to.wide()) {
            return to.signed() ? large ? Long.MAX_VALUE : value : op.from.signed() ? Math.max(0, value) : value;
        }
        long least = to.signed() ? -1L << (to.bits() - 1) : 0;
        long most = (1L << (to.signed() ? to.bits() - 1 : to.bits())) - 1;
        return large ? most : Math.clamp(value, least, most);
    }
}
