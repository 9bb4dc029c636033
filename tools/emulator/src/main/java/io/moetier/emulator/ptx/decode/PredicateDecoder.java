package io.moetier.emulator.ptx.decode;

import io.moetier.emulator.ptx.code.Comparison;
import io.moetier.emulator.ptx.code.Cost;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.ScalarCode;
import io.moetier.emulator.ptx.code.Unit;
import io.moetier.emulator.ptx.text.Instruction;
import io.moetier.emulator.ptx.text.Operand;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Decodes comparisons, and logic on predicates.
final class PredicateDecoder {
    private static final Set<String> LOGIC = Set.of("and", "or", "xor", "not");

    private final Emitter out;

    PredicateDecoder(Emitter out) {
        this.out = out;
    }

    boolean decode(Instruction in, String name, Modifiers modifiers) {
        if (LOGIC.contains(name) && in.opcode().endsWith(".pred")) {
            logic(in, name, modifiers);
            return true;
        }
        switch (name) {
            case "setp" -> compare(in, modifiers);
            case "set" -> set(in, modifiers);
            default -> {
                return false;
            }
        }
        return true;
    }

    private void logic(Instruction in, String name, Modifiers modifiers) {
        modifiers.type();
        modifiers.end();
        boolean single = name.equals("not");
        out.count(in, single ? 2 : 3, single ? 2 : 3);
        Op op = out.emit(in, Unit.LOGIC);
        op.scalarCode = single ? ScalarCode.AND : ScalarCode.valueOf(name.toUpperCase(Locale.ROOT));
        op.d = out.predicateRow(in, in.operands().getFirst());
        Operand a = in.operands().get(1);
        Operand b = in.operands().getLast();
        op.a = out.predicateRow(in, a);
        op.negateA = Emitter.negated(a) != single;
        op.b = out.predicateRow(in, b);
        op.negateB = Emitter.negated(b) != single;
    }

    private void compare(Instruction in, Modifiers modifiers) {
        Op op = out.emit(in, Unit.COMPARE);
        question(in, op, modifiers);
        switch (in.operands().getFirst()) {
            case Operand.Pair(String first, String second) -> {
                op.d = out.predicate(in, first);
                op.alsoPredicate = out.predicate(in, second);
            }
            case Operand.Name(String name, long _) -> op.d = out.predicate(in, name);
            default -> throw out.refuse(in, "the result is no predicate");
        }
    }

    /// `set` is a comparison whose answer is a number: all ones or 1.0, else zero.
    private void set(Instruction in, Modifiers modifiers) {
        Op op = out.emit(in, Unit.COMPARE);
        PtxType type = question(in, op, modifiers);
        op.d = out.scope.newRow(PtxType.PRED).row();
        Op choice = out.emit(in, Unit.SELECT);
        choice.cost = Cost.INTEGER;
        choice.d = out.result(in, in.operands().getFirst(), PtxType.B32).row();
        choice.a = out.scope
                .constant(false, type == PtxType.F32 ? Float.floatToRawIntBits(1) : -1)
                .row();
        choice.b = out.scope.constant(false, 0).row();
        choice.c = op.d;
    }

    /// Reads everything but the result; returns the type of a number as a result, which `set` has and `setp` has not.
    private PtxType question(Instruction in, Op op, Modifiers modifiers) {
        String name = modifiers.first();
        op.ftz = modifiers.take("ftz");
        op.combination = combination(modifiers);
        PtxType type = modifiers.type();
        PtxType result = modifiers.isEmpty() ? PtxType.PRED : modifiers.type();
        modifiers.end();
        Comparison.@Nullable Question question =
                type.floating() ? Comparison.ofFloats(name) : Comparison.ofIntegers(name);
        boolean ordered = type.kind != PtxType.Kind.BITS || name.equals("eq") || name.equals("ne");
        boolean set = in.opcode().startsWith("set.");
        if (question == null
                || !ordered
                || type.bytes < 2
                || type.kind == PtxType.Kind.PACKED
                || set != (result == PtxType.U32 || result == PtxType.S32 || result == PtxType.F32)) {
            throw out.refuse(in, "no such comparison");
        }
        boolean combined = op.combination != Op.Combination.NONE;
        out.count(in, combined ? 4 : 3, combined ? 4 : 3);
        int a = out.row(in, 1, type);
        int b = out.row(in, 2, type);
        op.type = type;
        op.cost = Cost.INTEGER;
        op.comparison = question.comparison();
        op.negateA = question.negated();
        op.a = question.swapped() ? b : a;
        op.b = question.swapped() ? a : b;
        if (combined) {
            op.c = out.predicateRow(in, in.operands().get(3));
            op.negateC = Emitter.negated(in.operands().get(3));
        }
        return result;
    }

    private static Op.Combination combination(Modifiers modifiers) {
        return modifiers.take("and")
                ? Op.Combination.AND
                : modifiers.take("or")
                        ? Op.Combination.OR
                        : modifiers.take("xor") ? Op.Combination.XOR : Op.Combination.NONE;
    }
}
