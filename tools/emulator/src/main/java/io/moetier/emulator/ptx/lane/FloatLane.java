package io.moetier.emulator.ptx.lane;

import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.ScalarCode;

/// Floating-point operations on one lane: the forms with unusual rounding, saturation or types.
final class FloatLane {
    private FloatLane() {}

    /// Returns the bits of the result.
    static long compute(Op op, PtxType type, long x, long y, long z, Approximation approximation) {
        return switch (op.scalarCode) {
            case NEG -> flushedBits(op, type, x) ^ sign(type);
            case ABS -> flushedBits(op, type, x) & ~sign(type);
            case COPYSIGN -> (y & ~sign(type)) | (x & sign(type));
            default -> {
                double a = flushed(op, type, Floats.value(type, x));
                double b = flushed(op, type, Floats.value(type, y));
                double c = flushed(op, type, Floats.value(type, z));
                double result = type == PtxType.F64
                        ? ofDoubles(op, a, b, c, approximation)
                        : ofNarrow(op, type, a, b, c, approximation);
                yield Floats.bits(type, saturated(op, flushed(op, type, result)));
            }
        };
    }

    private static long sign(PtxType type) {
        return 1L << (type.bits() - 1);
    }

    private static long flushedBits(Op op, PtxType type, long bits) {
        return op.ftz ? Floats.bits(type, flushed(op, type, Floats.value(type, bits))) : bits;
    }

    /// Subnormal numbers of these types become zeros of their sign.
    private static double flushed(Op op, PtxType type, double value) {
        if (!op.ftz) {
            return value;
        }
        double least = type == PtxType.F16 ? 0x1p-14 : Float.MIN_NORMAL;
        return type != PtxType.F64 && Math.abs(value) < least ? Math.copySign(0.0, value) : value;
    }

    private static double saturated(Op op, double value) {
        return !op.sat ? value : value > 0 ? Math.min(value, 1) : 0;
    }

    private static double ofNarrow(Op op, PtxType type, double a, double b, double c, Approximation approximation) {
        return switch (op.scalarCode) {
            case ADD -> Floats.add(type, a, b, op.rounding);
            case SUB -> Floats.add(type, a, -b, op.rounding);
            case MUL -> Floats.mul(type, a, b, op.rounding);
            case FMA -> Floats.fma(type, a, b, c, op.rounding);
            case DIV -> Floats.div(type, a, b, op.rounding);
            case RCP -> Floats.div(type, 1, a, op.rounding);
            case SQRT -> Floats.sqrt(type, a, op.rounding);
            case APPROX_DIV -> approximation.div(a, b);
            case MIN, MIN_NAN, MAX, MAX_NAN -> extreme(op, a, b);
            default -> approximation.of(op.scalarCode, type, a);
        };
    }

    private static double ofDoubles(Op op, double a, double b, double c, Approximation approximation) {
        return switch (op.scalarCode) {
            case ADD -> Doubles.add(a, b, op.rounding);
            case SUB -> Doubles.add(a, -b, op.rounding);
            case MUL -> Doubles.mul(a, b, op.rounding);
            case FMA -> Doubles.fma(a, b, c, op.rounding);
            case DIV -> Doubles.div(a, b, op.rounding);
            case RCP -> Doubles.div(1, a, op.rounding);
            case SQRT -> Doubles.sqrt(a, op.rounding);
            case RSQRT -> 1 / Math.sqrt(a);
            case MIN, MIN_NAN, MAX, MAX_NAN -> extreme(op, a, b);
            default -> approximation.of(op.scalarCode, PtxType.F64, a);
        };
    }

    private static double extreme(Op op, double a, double b) {
        boolean least = op.scalarCode == ScalarCode.MIN || op.scalarCode == ScalarCode.MIN_NAN;
        boolean spreads = op.scalarCode == ScalarCode.MIN_NAN || op.scalarCode == ScalarCode.MAX_NAN;
        if (!spreads && (Double.isNaN(a) || Double.isNaN(b))) {
            return Double.isNaN(a) ? b : a;
        }
        return least ? Math.min(a, b) : Math.max(a, b);
    }
}
