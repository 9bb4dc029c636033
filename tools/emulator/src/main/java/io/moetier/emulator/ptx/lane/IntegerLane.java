package io.moetier.emulator.ptx.lane;

import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;

/// Integer and bit operations on one lane, from the definitions of the PTX ISA.
final class IntegerLane {
    private IntegerLane() {}

    /// Returns the result, whose bits above the type's are of no meaning.
    static long compute(Op op, long x, long y, long z, long w) {
        PtxType type = op.type;
        long a = type.extend(x);
        long b = type.extend(y);
        long c = type.extend(z);
        boolean signed = type.signed();
        return switch (op.scalarCode) {
            case ADD -> saturated(op, a + b);
            case SUB -> saturated(op, a - b);
            case MUL -> a * b;
            case MUL_WIDE -> a * b;
            case MUL_HI -> high(type, a, b);
            case MAD -> a * b + c;
            case MAD_WIDE -> a * b + z;
            case MAD_HI -> saturated(op, high(type, a, b) + c);
            case MUL_24 -> short24(type, a) * short24(type, b);
            case MUL_24_HI -> (short24(type, a) * short24(type, b)) >> 16;
            case MAD_24 -> short24(type, a) * short24(type, b) + c;
            case MAD_24_HI -> ((short24(type, a) * short24(type, b)) >> 16) + c;
            case DIV -> b == 0 ? -1 : signed ? a / b : Long.divideUnsigned(a, b);
            case REM -> b == 0 ? a : signed ? a % b : Long.remainderUnsigned(a, b);
            case MIN -> less(signed, a, b) ? a : b;
            case MAX -> less(signed, a, b) ? b : a;
            case ABS -> Math.abs(a);
            case NEG -> -a;
            case NOT -> ~a;
            case CNOT -> a == 0 ? 1 : 0;
            case AND -> a & b;
            case OR -> a | b;
            case XOR -> a ^ b;
            case SHL -> distance(y) >= type.bits() ? 0 : a << y;
            case SHR -> shiftedRight(type, a, distance(y));
            case SAD -> c + (less(signed, a, b) ? b - a : a - b);
            case BFE -> extracted(type, a, (int) y & 0xff, (int) z & 0xff);
            case BFI -> inserted(type, a, b, (int) z & 0xff, (int) w & 0xff);
            case BREV -> Long.reverse(a) >>> (Long.SIZE - type.bits());
            case POPC -> Long.bitCount(a);
            case CLZ -> Long.numberOfLeadingZeros(a) - (Long.SIZE - type.bits());
            case BFIND -> highest(signed && a < 0 ? ~a : a);
            case BFIND_SHIFT -> distanceToHighest(type, signed && a < 0 ? ~a : a);
            case DP2A_LO -> dp2a(op, x, y, z, 0);
            case DP2A_HI -> dp2a(op, x, y, z, 16);
            default -> throw new IllegalStateException(op.scalarCode + " of " + type);
        };
    }

    private static long saturated(Op op, long value) {
        return op.sat ? Math.clamp(value, Integer.MIN_VALUE, Integer.MAX_VALUE) : value;
    }

    private static long high(PtxType type, long a, long b) {
        if (type.wide()) {
            return type.signed() ? Math.multiplyHigh(a, b) : Math.unsignedMultiplyHigh(a, b);
        }
        return (a * b) >>> type.bits();
    }

    private static long short24(PtxType type, long value) {
        return type.signed() ? value << 40 >> 40 : value & 0xffffff;
    }

    private static boolean less(boolean signed, long a, long b) {
        return signed ? a < b : Long.compareUnsigned(a, b) < 0;
    }

    private static long distance(long bits) {
        return bits & 0xffffffffL;
    }

    private static long shiftedRight(PtxType type, long a, long distance) {
        if (type.signed()) {
            return a >> Math.min(distance, Long.SIZE - 1);
        }
        return distance >= type.bits() ? 0 : a >>> distance;
    }

    private static long extracted(PtxType type, long a, int position, int length) {
        int last = type.bits() - 1;
        long shifted = position > last ? 0 : (type.signed() ? type.extend(a) : a) >>> position;
        if (length > last) {
            return type.signed() && position <= last ? a >> position : type.signed() ? a >> 63 : shifted;
        }
        long field = shifted & (1L << length) - 1;
        boolean fill = type.signed() && length > 0 && (a >>> Math.min(position + length - 1, last) & 1) != 0;
        int kept = Math.min(length, Math.max(0, last + 1 - position));
        return fill ? (field & (1L << kept) - 1) | -1L << kept : field & (1L << kept) - 1;
    }

    private static long inserted(PtxType type, long field, long into, int position, int length) {
        if (position >= type.bits()) {
            return into;
        }
        long ones = length >= Long.SIZE ? -1 : (1L << length) - 1;
        return (into & ~(ones << position)) | (field & ones) << position;
    }

    private static long highest(long a) {
        return a == 0 ? -1 : Long.SIZE - 1 - Long.numberOfLeadingZeros(a);
    }

    private static long distanceToHighest(PtxType type, long a) {
        return a == 0 ? -1 : type.bits() - 1 - highest(a);
    }

    private static long dp2a(Op op, long a, long b, long c, int shift) {
        long sum = c;
        for (int i = 0; i < 2; i++) {
            long half = a >>> (16 * i);
            long eighth = b >>> (shift + 8 * i);
            sum += (op.type.signed() ? (short) half : half & 0xffff)
                    * (op.from.signed() ? (byte) eighth : eighth & 0xff);
        }
        return sum;
    }
}
