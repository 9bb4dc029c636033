package io.moetier.emulator.ptx.text;

import io.moetier.emulator.ptx.code.PtxType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Reads one instruction, up to its semicolon.
public final class InstructionParser {
    private final Tokens tokens;

    public InstructionParser(Tokens tokens) {
        this.tokens = tokens;
    }

    public Instruction read() {
        int line = tokens.line();
        String guard = null;
        boolean negated = false;
        if (tokens.take("@")) {
            negated = tokens.take("!");
            guard = tokens.word().text();
        }
        String opcode = tokens.word().text();
        if (opcode.equals("call") || opcode.startsWith("call.")) {
            throw tokens.refuse(line, "calls are not supported; inline the function");
        }
        List<Operand> operands = new ArrayList<>();
        while (!tokens.take(";")) {
            if (!operands.isEmpty()) {
                tokens.expect(",");
            }
            operands.add(operand());
        }
        return new Instruction(line, opcode, guard, negated, operands);
    }

    private Operand operand() {
        Token token = tokens.peek();
        if (tokens.take("{")) {
            return vector();
        }
        if (tokens.take("[")) {
            return address();
        }
        if (tokens.take("!")) {
            return new Operand.Not(tokens.word().text());
        }
        if (token.is("-") || token.isNumber()) {
            return number();
        }
        String name = tokens.word().text();
        return tokens.take("|") ? new Operand.Pair(name, tokens.word().text()) : new Operand.Name(name, offset());
    }

    private Operand vector() {
        List<Operand> elements = new ArrayList<>();
        do {
            elements.add(operand());
        } while (tokens.take(","));
        tokens.expect("}");
        return new Operand.Vector(elements);
    }

    private Operand address() {
        @Nullable String base = tokens.peek().isWord() ? tokens.next().text() : null;
        long offset = base == null ? number().bits() : 0;
        offset += offset();
        tokens.expect("]");
        return new Operand.Address(base, offset);
    }

    /// Reads `+4`, `+-4` and `-4`, or nothing.
    private long offset() {
        if (tokens.take("+")) {
            return number().bits();
        }
        return tokens.peek().is("-") ? number().bits() : 0;
    }

    Operand.Literal number() {
        boolean negative = tokens.take("-");
        Operand.Literal number = Numbers.parse(tokens, tokens.next());
        if (!negative) {
            return number;
        }
        return switch (number.type()) {
            case F32 -> new Operand.Literal(number.bits() ^ 1L << 31, PtxType.F32);
            case F64 -> new Operand.Literal(number.bits() ^ Long.MIN_VALUE, PtxType.F64);
            default -> new Operand.Literal(-number.bits(), number.type());
        };
    }
}
