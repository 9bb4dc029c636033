package io.moetier.emulator.ptx.decode;

import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Space;
import io.moetier.emulator.ptx.code.Special;
import io.moetier.emulator.ptx.text.Declaration;
import io.moetier.emulator.ptx.text.Tokens;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The names that are known at a place in a kernel, and the rows that registers, literals and addresses have been
/// given.
public final class KernelScope {
    /// A row of the warp's registers. `type` is what it was declared as.
    record Row(int row, PtxType type) {
        boolean wide() {
            return type.wide();
        }
    }

    /// A variable: in its space at `offset`, or at the address that the module gives its name.
    private record Variable(Space space, long offset, boolean dynamic) {}

    /// The base of an address: a row, and what to add.
    record Base(Row row, long offset) {}

    private record ConstantKey(boolean wide, long bits) {}

    private final Tokens tokens;
    private final Map<String, Declaration> moduleVariables;
    private final Deque<Map<String, Row>> registers = new ArrayDeque<>();
    private final Deque<Map<String, Variable>> variables = new ArrayDeque<>();
    private final Map<ConstantKey, Integer> constants = new HashMap<>();
    private final BitSet constantInts = new BitSet(); // rows
    private final Map<Special, Integer> specials = new HashMap<>();
    private final List<Op.Symbol> symbols = new ArrayList<>();
    private final List<Op.Constant> dynamicRows = new ArrayList<>();
    private int intRows = 1;
    private int longRows = 1;
    private int predicates;
    private int sharedBytes;
    private int localBytes;
    private int declaredRegisters;

    public KernelScope(Tokens tokens, Map<String, Declaration> moduleVariables, List<PtxParameter> parameters) {
        this.tokens = tokens;
        this.moduleVariables = moduleVariables;
        open();
        for (PtxParameter parameter : parameters) {
            variables.getFirst().put(parameter.name(), new Variable(Space.PARAM, parameter.offset(), false));
        }
    }

    public void open() {
        registers.push(new HashMap<>());
        variables.push(new HashMap<>());
    }

    public void close() {
        registers.pop();
        variables.pop();
    }

    public void declareRegister(PtxType type, String name) {
        registers.getFirst().put(name, newRow(type));
        declaredRegisters += Math.max(1, type.bytes / 4);
    }

    /// Places a variable of the kernel itself, or one of the module's shared ones at its first use.
    public void declare(Declaration declaration) {
        variables.getFirst().put(declaration.name(), place(declaration));
    }

    private Variable place(Declaration declaration) {
        int bytes = Math.toIntExact(declaration.bytes());
        return switch (declaration.space()) {
            case SHARED -> {
                if (bytes == 0) {
                    yield new Variable(Space.SHARED, 0, true);
                }
                int offset = aligned(sharedBytes, declaration.alignment());
                sharedBytes = offset + bytes;
                yield new Variable(Space.SHARED, offset, false);
            }
            case LOCAL -> {
                int offset = aligned(localBytes, declaration.alignment());
                localBytes = offset + bytes;
                yield new Variable(Space.LOCAL, offset, false);
            }
            case GLOBAL, CONST -> new Variable(declaration.space(), 0, false);
            case GENERIC, PARAM -> throw tokens.refuse(declaration.line(), "cannot be declared here");
        };
    }

    @Nullable
    Row register(String name) {
        for (Map<String, Row> scope : registers) {
            Row row = scope.get(name);
            if (row != null) {
                return row;
            }
        }
        return null;
    }

    Row newRow(PtxType type) {
        int row = type == PtxType.PRED ? predicates++ : type.wide() ? longRows++ : intRows++;
        return new Row(row, type);
    }

    Row constant(boolean wide, long bits) {
        long kept = wide ? bits : bits & 0xffffffffL;
        int row = constants.computeIfAbsent(new ConstantKey(wide, kept), key -> wide ? longRows++ : intRows++);
        if (!wide) {
            constantInts.set(row);
        }
        return new Row(row, wide ? PtxType.B64 : PtxType.B32);
    }

    /// Returns whether a row of ints holds a number that stands in the text.
    boolean isConstant(int row) {
        return constantInts.get(row);
    }

    Row special(Special special) {
        return new Row(specials.computeIfAbsent(special, key -> intRows++), PtxType.B32);
    }

    /// Returns the space of a variable, or null if there is none of this name.
    @Nullable
    Space spaceOf(String name) {
        Variable variable = variable(name);
        return variable == null ? null : variable.space();
    }

    /// Returns a row that holds the address of a variable, in its space; `wide` is for those that fit either.
    Row addressOf(int line, String name, long offset, boolean wide) {
        Variable variable = variable(name);
        if (variable == null) {
            throw tokens.refuse(line, "'" + name + "' is not declared");
        }
        if (variable.space() == Space.GLOBAL || variable.space() == Space.CONST) {
            Row row = newRow(PtxType.B64);
            symbols.add(new Op.Symbol(row.row(), name, offset));
            return row;
        }
        if (variable.dynamic()) {
            Row row = newRow(wide ? PtxType.B64 : PtxType.B32);
            dynamicRows.add(new Op.Constant(row.row(), wide, offset));
            return row;
        }
        return constant(wide, variable.offset() + offset);
    }

    public Op.Program program(List<Op> ops) {
        List<Op.Constant> filled = new ArrayList<>();
        constants.forEach((key, row) -> filled.add(new Op.Constant(row, key.wide(), key.bits())));
        int dynamicStart = dynamicStart();
        dynamicRows.forEach(x -> filled.add(new Op.Constant(x.row(), x.wide(), x.bits() + dynamicStart)));
        List<Op.SpecialRow> specialRows = new ArrayList<>();
        specials.forEach((special, row) -> specialRows.add(new Op.SpecialRow(special, row)));
        return new Op.Program(ops, intRows, longRows, predicates, filled, symbols, specialRows);
    }

    /// Static shared memory, rounded up where dynamic memory follows.
    public int sharedBytes() {
        return dynamicRows.isEmpty() ? sharedBytes : dynamicStart();
    }

    public int localBytes() {
        return aligned(localBytes, 16);
    }

    public int declaredRegisters() {
        return declaredRegisters;
    }

    private int dynamicStart() {
        return aligned(sharedBytes, 16);
    }

    private @Nullable Variable variable(String name) {
        for (Map<String, Variable> scope : variables) {
            Variable variable = scope.get(name);
            if (variable != null) {
                return variable;
            }
        }
        Declaration declared = moduleVariables.get(name);
        if (declared == null) {
            return null;
        }
        Variable variable = place(declared);
        variables.getLast().put(name, variable);
        return variable;
    }

    private static int aligned(int offset, int alignment) {
        return Math.ceilDiv(offset, alignment) * alignment;
    }
}
