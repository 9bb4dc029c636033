package io.moetier.emulator.ptx.decode;

import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.Unit;
import java.util.ArrayList;
import java.util.List;

/// Branches over a few operations, which become guards of those: lanes that would have gone round them let them pass,
/// and the warp stays one group, where parting and meeting again would take longer than the operations. Compilers for
/// devices do the same.
final class ShortBranches {
    /// Of the operations that a branch leaps over. All of them are looked at where no lane wants them.
    private static final int MOST_OPERATIONS = 6;

    private final List<Op> ops;
    private final boolean[] isTarget;

    private ShortBranches(List<Op> ops) {
        this.ops = ops;
        isTarget = new boolean[ops.size()];
        for (Op op : ops) {
            if (op.unit == Unit.BRANCH) {
                isTarget[op.target] = true;
            }
        }
    }

    /// Returns the operations of a kernel, whose branches know their targets, without such branches.
    static List<Op> replaceIn(List<Op> ops) {
        return new ShortBranches(ops).replaced();
    }

    private List<Op> replaced() {
        List<Op> kept = new ArrayList<>(ops.size());
        int[] places = new int[ops.size()]; // where each operation is, or that which comes next
        for (int i = 0; i < ops.size(); i++) {
            places[i] = kept.size();
            Op op = ops.get(i);
            if (op.unit == Unit.BRANCH && leapsOverLittle(op, i)) {
                for (Op over : ops.subList(i + 1, op.target)) {
                    over.guard = op.guard;
                    over.guardNegated = !op.guardNegated;
                }
            } else {
                op.index = kept.size();
                kept.add(op);
            }
        }
        for (Op op : kept) {
            if (op.unit == Unit.BRANCH) {
                op.target = places[op.target];
            }
        }
        return kept;
    }

    /// Whether all operations between may be guarded: they go on to the next, have no guard yet, leave that of the
    /// branch
    /// as it is, and nobody comes to them from elsewhere.
    private boolean leapsOverLittle(Op branch, int index) {
        if (branch.guard == Op.NONE || branch.target <= index || branch.target - index - 1 > MOST_OPERATIONS) {
            return false;
        }
        for (int i = index + 1; i < branch.target; i++) {
            Op op = ops.get(i);
            if (isTarget[i] || op.guard != Op.NONE || !computes(op) || writes(op, branch.guard)) {
                return false;
            }
        }
        return true;
    }

    private static boolean computes(Op op) {
        return switch (op.unit) {
            case ROWS, LANES, COMPARE, LOGIC, SELECT, LOAD, STORE -> true;
            case ATOMIC, WARP, BRANCH, EXIT, BARRIER, EXCHANGE, TRAP -> false;
        };
    }

    private static boolean writes(Op op, int predicate) {
        return op.alsoPredicate == predicate
                || ((op.unit == Unit.COMPARE || op.unit == Unit.LOGIC) && op.d == predicate);
    }
}
