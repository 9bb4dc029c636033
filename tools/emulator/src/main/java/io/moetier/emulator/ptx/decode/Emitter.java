package io.moetier.emulator.ptx.decode;

import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Space;
import io.moetier.emulator.ptx.code.Special;
import io.moetier.emulator.ptx.code.Unit;
import io.moetier.emulator.ptx.text.DeclarationParser;
import io.moetier.emulator.ptx.text.Instruction;
import io.moetier.emulator.ptx.text.Operand;
import io.moetier.emulator.ptx.text.PtxException;
import io.moetier.emulator.ptx.text.Tokens;
import java.util.ArrayList;
import java.util.List;

/// The operations of a kernel so far, and what the decoders ask about operands.
final class Emitter {
    final Tokens tokens;
    final KernelScope scope;
    private final Copies known;
    private final Copies found = new Copies();
    private final List<Op> ops = new ArrayList<>();

    /// @param known what was found when the kernel was read before
    Emitter(Tokens tokens, KernelScope scope, Copies known) {
        this.tokens = tokens;
        this.scope = scope;
        this.known = known;
    }

    List<Op> ops() {
        return ops;
    }

    Copies found() {
        return found;
    }

    /// Appends an operation with the guard of its instruction.
    Op emit(Instruction in, Unit unit) {
        Op op = new Op(in.line(), ops.size(), unit);
        if (in.guard() != null) {
            op.guard = predicate(in, in.guard());
            op.guardNegated = in.guardNegated();
        }
        ops.add(op);
        return op;
    }

    void count(Instruction in, int least, int most) {
        int size = in.operands().size();
        if (size < least || size > most) {
            throw refuse(in, size + " operands");
        }
    }

    /// Returns the row of an operand that must be as wide as `type`, or a literal.
    KernelScope.Row value(Instruction in, Operand operand, PtxType type) {
        KernelScope.Row row = loose(in, operand, type);
        if (row.wide() != type.wide()) {
            throw refuse(in, "an operand is not " + type.bits() + " bits wide");
        }
        if (type.bytes == 2 && row.type().bytes == 4 && operand instanceof Operand.Name) {
            throw refuse(in, "an operand is not 16 bits wide");
        }
        return row;
    }

    int row(Instruction in, int index, PtxType type) {
        return value(in, in.operands().get(index), type).row();
    }

    /// Returns the row of an operand that may be wider than `type`.
    KernelScope.Row loose(Instruction in, Operand operand, PtxType type) {
        if (operand instanceof Operand.Literal number) {
            long bits = DeclarationParser.literal(number, type);
            return scope.constant(type.wide(), type.bytes < 4 ? bits & ((1L << type.bits()) - 1) : bits);
        }
        if (!(operand instanceof Operand.Name(String name, long offset))) {
            throw refuse(in, "expected a register or a number");
        }
        KernelScope.Row register = scope.register(name);
        if (register != null) {
            if (register.type() == PtxType.PRED) {
                throw refuse(in, name + " is a predicate");
            }
            return read(register);
        }
        Special special = Special.of(name);
        if (special != null) {
            return scope.special(special);
        }
        return scope.addressOf(in.line(), name, offset, type.wide());
    }

    /// Returns the row to read for a register.
    private KernelScope.Row read(KernelScope.Row register) {
        found.read(register);
        return known.source(register);
    }

    /// Returns the register that a result goes to; `_` is a row that nobody reads.
    KernelScope.Row result(Instruction in, Operand operand, PtxType type) {
        KernelScope.Row row = looseResult(in, operand, type);
        if (row.wide() != type.wide() || (type.bytes == 4 && row.type().bytes != 4)) {
            throw refuse(in, "the result is not " + type.bits() + " bits wide");
        }
        return row;
    }

    KernelScope.Row looseResult(Instruction in, Operand operand, PtxType type) {
        if (!(operand instanceof Operand.Name(String name, long offset)) || offset != 0) {
            throw refuse(in, "the result is no register");
        }
        if (name.equals("_")) {
            return scope.newRow(type);
        }
        KernelScope.Row row = scope.register(name);
        if (row == null || row.type() == PtxType.PRED) {
            throw refuse(in, name + " is no register for a value");
        }
        found.write(row, in.guard() != null);
        return row;
    }

    /// Makes of `op`, the last one, a copy of `source` to `row`, or leaves it out where nobody will read `row`.
    void move(Op op, KernelScope.Row row, KernelScope.Row source) {
        op.d = row.row();
        op.wide = row.wide();
        op.a = source.row();
        found.copy(row, source);
        if (known.isCopy(row)) {
            ops.removeLast();
        }
    }

    int predicate(Instruction in, String name) {
        KernelScope.Row row = name.equals("_") ? scope.newRow(PtxType.PRED) : scope.register(name);
        if (row == null || row.type() != PtxType.PRED) {
            throw refuse(in, name + " is no predicate");
        }
        return row.row();
    }

    /// Returns a predicate, or the negation of one.
    int predicateRow(Instruction in, Operand operand) {
        return switch (operand) {
            case Operand.Name name -> predicate(in, name.name());
            case Operand.Not not -> predicate(in, not.name());
            default -> throw refuse(in, "expected a predicate");
        };
    }

    static boolean negated(Operand operand) {
        return operand instanceof Operand.Not;
    }

    /// Sets what an address is made of.
    void address(Instruction in, Operand operand, Op op) {
        if (!(operand instanceof Operand.Address(String base, long offset))) {
            throw refuse(in, "expected an address");
        }
        KernelScope.Row row = base == null ? scope.constant(true, 0) : scope.register(base);
        if (row == null) {
            Space space = scope.spaceOf(java.util.Objects.requireNonNull(base));
            if (space != null && op.space == Space.GENERIC && space != Space.GLOBAL && space != Space.CONST) {
                throw refuse(in, base + " needs its space named");
            }
            row = scope.addressOf(in.line(), base, 0, false);
        } else {
            row = read(row);
        }
        op.a = row.row();
        op.wideA = row.wide();
        op.immediate = offset;
    }

    PtxException refuse(Instruction in, String reason) {
        return tokens.refuse(in.line(), reason);
    }
}
