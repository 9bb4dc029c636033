package io.moetier.emulator.ptx.decode;

import io.moetier.emulator.ptx.code.Cost;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Unit;
import io.moetier.emulator.ptx.text.Instruction;
import io.moetier.emulator.ptx.text.Operand;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Decodes what the lanes of a warp, or the warps of a block, do together.
final class ExchangeDecoder {
    private final Emitter out;

    ExchangeDecoder(Emitter out) {
        this.out = out;
    }

    boolean decode(Instruction in, String name, Modifiers modifiers) {
        switch (name) {
            case "bar", "barrier" -> barrier(in, modifiers);
            case "shfl" -> shuffle(in, modifiers);
            case "vote" -> vote(in, modifiers);
            case "match" -> match(in, modifiers);
            case "redux" -> reduce(in, modifiers);
            case "activemask" -> activeMask(in, modifiers);
            default -> {
                return false;
            }
        }
        return true;
    }

    private void barrier(Instruction in, Modifiers modifiers) {
        modifiers.takeAny("aligned", "cta");
        if (modifiers.take("warp")) {
            Op op = exchange(in, modifiers, Op.ExchangeCode.SYNC);
            modifiers.end();
            out.count(in, 1, 1);
            members(in, 0, op);
            return;
        }
        Op op = out.emit(in, Unit.BARRIER);
        op.exchange = Op.ExchangeCode.SYNC;
        int at = 0;
        if (modifiers.take("red")) {
            at = reduction(in, op, modifiers);
        } else if (!modifiers.take("sync")) {
            throw out.refuse(in, "no such barrier");
        }
        modifiers.end();
        int last = in.operands().size() - (at > 0 ? 1 : 0);
        out.count(in, at + 1, at + (at > 0 ? 3 : 2));
        op.a = out.row(in, at, PtxType.U32);
        op.b = at + 1 < last ? out.row(in, at + 1, PtxType.U32) : Op.NONE;
    }

    /// `bar.red` gives every thread what the predicates of all threads come to.
    private int reduction(Instruction in, Op op, Modifiers modifiers) {
        PtxType type = modifiers.type();
        String name = modifiers.first();
        Operand d = in.operands().getFirst();
        Operand predicate = in.operands().getLast();
        op.c = out.predicateRow(in, predicate);
        op.negateC = Emitter.negated(predicate);
        switch (name) {
            case "popc" -> {
                op.exchange = Op.ExchangeCode.REDUCE_ADD;
                op.d = out.result(in, d, type).row();
            }
            case "and", "or" -> {
                op.exchange = name.equals("or") ? Op.ExchangeCode.REDUCE_OR : Op.ExchangeCode.REDUCE_AND;
                op.alsoPredicate = out.predicateRow(in, d);
            }
            default -> throw modifiers.unknown(name);
        }
        return 1;
    }

    private void shuffle(Instruction in, Modifiers modifiers) {
        Op op = exchange(in, modifiers, Op.ExchangeCode.SHUFFLE_INDEX);
        if (modifiers.type() != PtxType.B32) {
            throw out.refuse(in, "no such shuffle");
        }
        op.exchange = switch (modifiers.first()) {
            case "up" -> Op.ExchangeCode.SHUFFLE_UP;
            case "down" -> Op.ExchangeCode.SHUFFLE_DOWN;
            case "bfly" -> Op.ExchangeCode.SHUFFLE_BUTTERFLY;
            case "idx" -> Op.ExchangeCode.SHUFFLE_INDEX;
            default -> throw out.refuse(in, "no such shuffle");
        };
        modifiers.end();
        out.count(in, 5, 5);
        resultAndPredicate(in, op);
        op.a = out.row(in, 1, PtxType.B32);
        op.b = out.row(in, 2, PtxType.B32);
        op.c = out.row(in, 3, PtxType.B32);
        members(in, 4, op);
        op.alike &= out.scope.isConstant(op.b) && out.scope.isConstant(op.c);
    }

    private void resultAndPredicate(Instruction in, Op op) {
        if (in.operands().getFirst() instanceof Operand.Pair(String first, String second)) {
            op.d = out.result(in, new Operand.Name(first, 0), PtxType.B32).row();
            op.alsoPredicate = out.predicate(in, second);
        } else {
            op.d = out.result(in, in.operands().getFirst(), PtxType.B32).row();
        }
    }

    private void vote(Instruction in, Modifiers modifiers) {
        Op op = exchange(in, modifiers, Op.ExchangeCode.BALLOT);
        PtxType type = modifiers.type();
        String name = modifiers.first();
        modifiers.end();
        out.count(in, 3, 3);
        boolean ballot = name.equals("ballot");
        if (type != (ballot ? PtxType.B32 : PtxType.PRED)) {
            throw out.refuse(in, "no such vote");
        }
        op.exchange = switch (name) {
            case "ballot" -> Op.ExchangeCode.BALLOT;
            case "all" -> Op.ExchangeCode.VOTE_ALL;
            case "any" -> Op.ExchangeCode.VOTE_ANY;
            case "uni" -> Op.ExchangeCode.VOTE_UNI;
            default -> throw out.refuse(in, "no such vote");
        };
        if (ballot) {
            op.d = out.result(in, in.operands().getFirst(), PtxType.B32).row();
        } else {
            op.alsoPredicate = out.predicateRow(in, in.operands().getFirst());
        }
        op.a = out.predicateRow(in, in.operands().get(1));
        op.negateA = Emitter.negated(in.operands().get(1));
        members(in, 2, op);
    }

    private void match(Instruction in, Modifiers modifiers) {
        Op op = exchange(in, modifiers, Op.ExchangeCode.MATCH_ANY);
        op.type = modifiers.type();
        boolean all = modifiers.take("all");
        if (all == modifiers.take("any") || (op.type != PtxType.B32 && op.type != PtxType.B64)) {
            throw out.refuse(in, "no such match");
        }
        modifiers.end();
        op.exchange = all ? Op.ExchangeCode.MATCH_ALL : Op.ExchangeCode.MATCH_ANY;
        out.count(in, 3, 3);
        resultAndPredicate(in, op);
        op.a = out.row(in, 1, op.type);
        op.wideA = op.type.wide();
        members(in, 2, op);
    }

    private void reduce(Instruction in, Modifiers modifiers) {
        Op op = exchange(in, modifiers, Op.ExchangeCode.REDUCE_ADD);
        op.type = modifiers.type();
        String name = modifiers.first();
        modifiers.end();
        Op.@Nullable ExchangeCode code = switch (name) {
            case "add", "min", "max" -> op.type == PtxType.S32 || op.type == PtxType.U32 ? reduction(name) : null;
            case "and", "or", "xor" -> op.type == PtxType.B32 ? reduction(name) : null;
            default -> null;
        };
        if (code == null) {
            throw out.refuse(in, "no such reduction");
        }
        op.exchange = code;
        out.count(in, 3, 3);
        op.d = out.result(in, in.operands().getFirst(), op.type).row();
        op.a = out.row(in, 1, op.type);
        members(in, 2, op);
    }

    private static Op.ExchangeCode reduction(String name) {
        return Op.ExchangeCode.valueOf("REDUCE_" + name.toUpperCase(Locale.ROOT));
    }

    private void activeMask(Instruction in, Modifiers modifiers) {
        Op op = out.emit(in, Unit.WARP);
        op.warpCode = Op.WarpCode.ACTIVE_MASK;
        PtxType type = modifiers.type();
        modifiers.end();
        out.count(in, 1, 1);
        op.d = out.result(in, in.operands().getFirst(), type).row();
    }

    private void members(Instruction in, int index, Op op) {
        op.e = out.row(in, index, PtxType.B32);
        op.alike = out.scope.isConstant(op.e);
    }

    /// The forms without `.sync` went with Volta.
    private Op exchange(Instruction in, Modifiers modifiers, Op.ExchangeCode code) {
        if (!modifiers.take("sync")) {
            throw out.refuse(in, "only with .sync");
        }
        Op op = out.emit(in, Unit.EXCHANGE);
        op.exchange = code;
        op.cost = Cost.INTEGER;
        return op;
    }
}
