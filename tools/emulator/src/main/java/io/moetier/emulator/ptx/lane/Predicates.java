package io.moetier.emulator.ptx.lane;

import io.moetier.emulator.ptx.code.Comparison;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;

/// Comparisons, and what is done with predicates.
public final class Predicates {
    private Predicates() {}

    public static void compare(Op op, Warp warp, int mask) {
        int answer = answer(op, warp);
        int result = op.negateA ? ~answer : answer;
        int other = op.combination == Op.Combination.NONE ? 0 : warp.predicate(op.c, op.negateC);
        warp.setPredicate(op.d, mask, combined(op.combination, result, other));
        if (op.alsoPredicate != Op.NONE) {
            warp.setPredicate(op.alsoPredicate, mask, combined(op.combination, ~result, other));
        }
    }

    private static int combined(Op.Combination combination, int answer, int other) {
        return switch (combination) {
            case NONE -> answer;
            case AND -> answer & other;
            case OR -> answer | other;
            case XOR -> answer ^ other;
        };
    }

    private static int answer(Op op, Warp warp) {
        if (op.type == PtxType.F32 && !op.ftz) {
            return ofFloats(op.comparison, warp.ints[op.a], warp.ints[op.b]);
        }
        if (op.type.floating()) {
            return ofDoubles(op, warp);
        }
        if (op.type.bytes == Integer.BYTES) {
            int flip = op.type.signed() ? 0 : Integer.MIN_VALUE;
            return op.comparison == Comparison.EQ
                    ? equal(warp.ints[op.a], warp.ints[op.b])
                    : less(warp.ints[op.a], warp.ints[op.b], flip);
        }
        return ofLongs(op, warp);
    }

    private static int equal(int[] a, int[] b) {
        int answer = 0;
        for (int i = 0; i < Warp.LANES; i++) {
            answer |= (a[i] == b[i] ? 1 : 0) << i;
        }
        return answer;
    }

    private static int less(int[] a, int[] b, int flip) {
        int answer = 0;
        for (int i = 0; i < Warp.LANES; i++) {
            answer |= ((a[i] ^ flip) < (b[i] ^ flip) ? 1 : 0) << i;
        }
        return answer;
    }

    private static int ofFloats(Comparison comparison, int[] a, int[] b) {
        int answer = 0;
        for (int i = 0; i < Warp.LANES; i++) {
            float x = Float.intBitsToFloat(a[i]);
            float y = Float.intBitsToFloat(b[i]);
            boolean holds = switch (comparison) {
                case EQ -> x == y;
                case LT -> x < y;
                case LE -> x <= y;
                case NE -> x < y || x > y;
                case NUM -> !Float.isNaN(x) && !Float.isNaN(y);
            };
            answer |= (holds ? 1 : 0) << i;
        }
        return answer;
    }

    private static int ofDoubles(Op op, Warp warp) {
        int answer = 0;
        for (int i = 0; i < Warp.LANES; i++) {
            double x = flushed(op, Floats.value(op.type, warp.get(op.a, op.type.wide(), i)));
            double y = flushed(op, Floats.value(op.type, warp.get(op.b, op.type.wide(), i)));
            boolean holds = switch (op.comparison) {
                case EQ -> x == y;
                case LT -> x < y;
                case LE -> x <= y;
                case NE -> x < y || x > y;
                case NUM -> !Double.isNaN(x) && !Double.isNaN(y);
            };
            answer |= (holds ? 1 : 0) << i;
        }
        return answer;
    }

    private static double flushed(Op op, double value) {
        double least = op.type == PtxType.F16 ? 0x1p-14 : Float.MIN_NORMAL;
        return op.ftz && Math.abs(value) < least ? 0 : value;
    }

    private static int ofLongs(Op op, Warp warp) {
        int answer = 0;
        long flip = op.type == PtxType.U64 ? Long.MIN_VALUE : 0;
        for (int i = 0; i < Warp.LANES; i++) {
            long x = op.type.extend(warp.get(op.a, op.type.wide(), i));
            long y = op.type.extend(warp.get(op.b, op.type.wide(), i));
            boolean holds = op.comparison == Comparison.EQ ? x == y : (x ^ flip) < (y ^ flip);
            answer |= (holds ? 1 : 0) << i;
        }
        return answer;
    }

    public static void logic(Op op, Warp warp, int mask) {
        int a = warp.predicate(op.a, op.negateA);
        int b = warp.predicate(op.b, op.negateB);
        warp.setPredicate(
                op.d,
                mask,
                switch (op.scalarCode) {
                    case AND -> a & b;
                    case OR -> a | b;
                    case XOR -> a ^ b;
                    case CNOT -> -1;
                    case SUB -> 0;
                    default -> throw new IllegalStateException(op.scalarCode.toString());
                });
    }

    public static void select(Op op, Warp warp, int mask) {
        int choice = warp.predicate(op.c, op.negateC);
        if (op.wide) {
            selectLongs(warp.longs[op.d], warp.longs[op.a], warp.longs[op.b], choice, mask);
        } else {
            selectInts(warp.ints[op.d], warp.ints[op.a], warp.ints[op.b], choice, mask);
        }
    }

    private static void selectInts(int[] d, int[] a, int[] b, int choice, int mask) {
        for (int i = 0; i < Warp.LANES; i++) {
            int chosen = (choice >>> i & 1) != 0 ? a[i] : b[i];
            d[i] = (mask >>> i & 1) != 0 ? chosen : d[i];
        }
    }

    private static void selectLongs(long[] d, long[] a, long[] b, int choice, int mask) {
        for (int i = 0; i < Warp.LANES; i++) {
            long chosen = (choice >>> i & 1) != 0 ? a[i] : b[i];
            d[i] = (mask >>> i & 1) != 0 ? chosen : d[i];
        }
    }
}
