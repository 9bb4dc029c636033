package io.moetier.emulator.ptx.lane;

import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.ScalarCode;

/// Computes instructions one lane after the other: slower than [Rows], and complete.
public final class Lanes {
    private final Approximation approximation;

    public Lanes(Approximation approximation) {
        this.approximation = approximation;
    }

    public void execute(Op op, Warp warp, int mask) {
        if (mask == Warp.FULL && alike(op, warp)) {
            warp.fill(op.d, op.wide, mask, compute(op, warp, 0));
            return;
        }
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            int lane = Integer.numberOfTrailingZeros(rest);
            warp.set(op.d, op.wide, lane, compute(op, warp, lane));
        }
    }

    /// Returns whether all lanes have the same operands, as the bounds of a loop often are: the result is one then.
    private static boolean alike(Op op, Warp warp) {
        return warp.uniform(op.a, op.wideA)
                && (op.b == Op.NONE || warp.uniform(op.b, op.wideB))
                && (op.c == Op.NONE || warp.uniform(op.c, op.wideC))
                && (op.e == Op.NONE || warp.uniform(op.e, false));
    }

    private long compute(Op op, Warp warp, int lane) {
        return compute(
                op,
                warp.get(op.a, op.wideA, lane),
                op.b == Op.NONE ? 0 : warp.get(op.b, op.wideB, lane),
                op.c == Op.NONE ? 0 : warp.get(op.c, op.wideC, lane),
                op.e == Op.NONE ? 0 : warp.get(op.e, false, lane));
    }

    private long compute(Op op, long a, long b, long c, long e) {
        return switch (op.scalarCode) {
            case CONVERT -> kept(op, Conversions.convert(op, a));
            case CONVERT_PACK -> Conversions.pack(op, a, b);
            case PART -> a >>> op.immediate & (1L << op.type.bits()) - 1;
            case JOIN -> (a & 0xffff) | (b & 0xffff) << 16 | (c & 0xffff) << 32 | e << 48;
            case SLCT -> selected(op, c) ? a : b;
            default -> arithmetic(op, a, b, c, e);
        };
    }

    /// A 16-bit register holds nothing above its 16 bits; a result of 8 bits fills it, with its sign if it has one.
    private static long kept(Op op, long result) {
        return op.immediate == 2 ? result & 0xffff : result;
    }

    private static boolean selected(Op op, long c) {
        float value = Float.intBitsToFloat((int) c);
        return op.from == PtxType.S32 ? (int) c >= 0 : value >= 0 || (op.ftz && Math.abs(value) < Float.MIN_NORMAL);
    }

    private long arithmetic(Op op, long a, long b, long c, long e) {
        if (op.type.kind == PtxType.Kind.PACKED) {
            PtxType half = op.type.element();
            long low = FloatLane.compute(op, half, a & 0xffff, b & 0xffff, c & 0xffff, approximation);
            long high =
                    FloatLane.compute(op, half, a >>> 16 & 0xffff, b >>> 16 & 0xffff, c >>> 16 & 0xffff, approximation);
            return high << 16 | low;
        }
        if (op.type.floating()) {
            return FloatLane.compute(op, op.type, a, b, c, approximation);
        }
        long result = IntegerLane.compute(op, a, b, c, e);
        boolean narrow =
                op.type.bytes == 2 && op.scalarCode != ScalarCode.MUL_WIDE && op.scalarCode != ScalarCode.MAD_WIDE;
        return narrow ? result & 0xffff : result;
    }
}
