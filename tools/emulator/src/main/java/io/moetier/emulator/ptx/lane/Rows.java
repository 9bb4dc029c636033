package io.moetier.emulator.ptx.lane;

import io.moetier.emulator.ptx.code.Op;

/// Computes instructions for all lanes of a warp at once.
///
/// Where only some lanes are active, all are computed into a scratch row and the active ones taken over: nothing here
/// has an effect but its result. The switch is one table and stays one; what the JIT inlines are the loops.
public final class Rows {
    /// The row of each kind that holds results of lanes that are not active.
    private static final int SCRATCH = 0;

    private final Approximation approximation;

    public Rows(Approximation approximation) {
        this.approximation = approximation;
    }

    public void execute(Op op, Warp warp, int mask) {
        if (mask == Warp.FULL) {
            compute(op, warp.ints, warp.longs, op.d);
        } else {
            compute(op, warp.ints, warp.longs, SCRATCH);
            if (op.wide) {
                LongRows.merge(warp.longs[op.d], warp.longs[SCRATCH], mask);
            } else {
                IntRows.merge(warp.ints[op.d], warp.ints[SCRATCH], mask);
            }
        }
    }

    private void compute(Op op, int[][] r, long[][] q, int d) {
        int a = op.a;
        int b = op.b;
        int c = op.c;
        switch (op.rowCode) {
            case MOVE_32 -> IntRows.move(r[d], r[a]);
            case ADD_32 -> IntRows.add(r[d], r[a], r[b]);
            case SUB_32 -> IntRows.sub(r[d], r[a], r[b]);
            case MUL_32 -> IntRows.mul(r[d], r[a], r[b]);
            case MAD_32 -> IntRows.mad(r[d], r[a], r[b], r[c]);
            case NEG_32 -> IntRows.neg(r[d], r[a]);
            case ABS_32 -> IntRows.abs(r[d], r[a]);
            case MIN_S32 -> IntRows.min(r[d], r[a], r[b]);
            case MAX_S32 -> IntRows.max(r[d], r[a], r[b]);
            case MIN_U32 -> IntRows.minUnsigned(r[d], r[a], r[b]);
            case MAX_U32 -> IntRows.maxUnsigned(r[d], r[a], r[b]);
            case MUL_HI_S32 -> IntRows.mulHigh(r[d], r[a], r[b]);
            case MUL_HI_U32 -> IntRows.mulHighUnsigned(r[d], r[a], r[b]);
            case AND_32 -> IntRows.and(r[d], r[a], r[b]);
            case OR_32 -> IntRows.or(r[d], r[a], r[b]);
            case XOR_32 -> IntRows.xor(r[d], r[a], r[b]);
            case NOT_32 -> IntRows.not(r[d], r[a]);
            case SHL_32 -> IntRows.shl(r[d], r[a], r[b]);
            case SHR_S32 -> IntRows.shr(r[d], r[a], r[b]);
            case SHR_U32 -> IntRows.shrUnsigned(r[d], r[a], r[b]);
            case SHL_32_BY -> IntRows.shlBy(r[d], r[a], (int) op.immediate);
            case SHR_S32_BY -> IntRows.shrBy(r[d], r[a], (int) op.immediate);
            case SHR_U32_BY -> IntRows.shrUnsignedBy(r[d], r[a], (int) op.immediate);
            case FUNNEL_LEFT -> IntRows.funnelLeft(r[d], r[a], r[b], r[c], op.immediate != 0);
            case FUNNEL_RIGHT -> IntRows.funnelRight(r[d], r[a], r[b], r[c], op.immediate != 0);
            case BYTES_PERMUTE -> IntRows.permute(r[d], r[a], r[b], r[c], (int) op.immediate);
            case LOP3 -> IntRows.lop3(r[d], r[a], r[b], r[c], (int) op.immediate);
            case POPC_32 -> IntRows.popc(r[d], r[a]);
            case MASK_32 -> IntRows.mask(r[d], r[a], (int) op.immediate);
            case PACK_16 -> IntRows.packHalves(r[d], r[a], r[b]);
            case DP4A_SS -> IntRows.dp4aSigned(r[d], r[a], r[b], r[c]);
            case DP4A_SU -> IntRows.dp4a(r[d], r[a], r[b], r[c], true, false);
            case DP4A_US -> IntRows.dp4a(r[d], r[a], r[b], r[c], false, true);
            case DP4A_UU -> IntRows.dp4a(r[d], r[a], r[b], r[c], false, false);
            case MOVE_64 -> LongRows.move(q[d], q[a]);
            case ADD_64 -> LongRows.add(q[d], q[a], q[b]);
            case SUB_64 -> LongRows.sub(q[d], q[a], q[b]);
            case MUL_64 -> LongRows.mul(q[d], q[a], q[b]);
            case MAD_64 -> LongRows.mad(q[d], q[a], q[b], q[c]);
            case AND_64 -> LongRows.and(q[d], q[a], q[b]);
            case OR_64 -> LongRows.or(q[d], q[a], q[b]);
            case XOR_64 -> LongRows.xor(q[d], q[a], q[b]);
            case NOT_64 -> LongRows.not(q[d], q[a]);
            case SHL_64 -> LongRows.shl(q[d], q[a], r[b]);
            case SHR_S64 -> LongRows.shr(q[d], q[a], r[b]);
            case SHR_U64 -> LongRows.shrUnsigned(q[d], q[a], r[b]);
            case SHL_64_BY -> LongRows.shlBy(q[d], q[a], (int) op.immediate);
            case SHR_U64_BY -> LongRows.shrUnsignedBy(q[d], q[a], (int) op.immediate);
            case PACK_32 -> LongRows.packInts(q[d], r[a], r[b]);
            case MUL_WIDE_S32 -> LongRows.mulWide(q[d], r[a], r[b]);
            case MUL_WIDE_U32 -> LongRows.mulWideUnsigned(q[d], r[a], r[b]);
            case MAD_WIDE_S32 -> LongRows.madWide(q[d], r[a], r[b], q[c]);
            case MAD_WIDE_U32 -> LongRows.madWideUnsigned(q[d], r[a], r[b], q[c]);
            case WIDEN_S32 -> LongRows.widen(q[d], r[a]);
            case WIDEN_U32 -> LongRows.widenUnsigned(q[d], r[a]);
            case LOW_32 -> LongRows.low(r[d], q[a]);
            case HIGH_32 -> LongRows.high(r[d], q[a]);
            case F_ADD -> FloatRows.add(r[d], r[a], r[b]);
            case F_SUB -> FloatRows.sub(r[d], r[a], r[b]);
            case F_MUL -> FloatRows.mul(r[d], r[a], r[b]);
            case F_DIV -> FloatRows.div(r[d], r[a], r[b]);
            case F_FMA -> FloatRows.fma(r[d], r[a], r[b], r[c]);
            case F_MIN -> FloatRows.min(r[d], r[a], r[b]);
            case F_MAX -> FloatRows.max(r[d], r[a], r[b]);
            case F_ABS -> FloatRows.abs(r[d], r[a]);
            case F_NEG -> FloatRows.neg(r[d], r[a]);
            case F_RCP -> FloatRows.reciprocal(r[d], r[a]);
            case F_SQRT -> FloatRows.sqrt(r[d], r[a]);
            case F_FROM_S32 -> FloatRows.fromInts(r[d], r[a]);
            case F_FROM_U32 -> FloatRows.fromUnsigned(r[d], r[a]);
            case F_FROM_F16 -> FloatRows.fromHalves(r[d], r[a]);
            case F16_FROM_F -> FloatRows.toHalves(r[d], r[a]);
            case S32_FROM_F_NEAREST -> FloatRows.toIntsNearest(r[d], r[a]);
            case S32_FROM_F_ZERO -> FloatRows.toIntsZero(r[d], r[a]);
            case APPROX_EX2, APPROX_LG2, APPROX_RSQRT, APPROX_SIN, APPROX_COS, APPROX_TANH ->
                approximation.row(op.rowCode, r[d], r[a]);
        }
    }
}
