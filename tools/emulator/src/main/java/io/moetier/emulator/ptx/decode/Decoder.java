package io.moetier.emulator.ptx.decode;

import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.code.Unit;
import io.moetier.emulator.ptx.text.Instruction;
import io.moetier.emulator.ptx.text.Operand;
import io.moetier.emulator.ptx.text.Token;
import io.moetier.emulator.ptx.text.Tokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Turns the instructions of a kernel into operations, and labels into their indices.
public final class Decoder {
    private record Jump(Op op, Instruction in, String label) {}

    private final Tokens tokens;
    private final Emitter out;
    private final ArithmeticDecoder arithmetic;
    private final MoveDecoder moves;
    private final PredicateDecoder predicates;
    private final MemoryDecoder memory;
    private final ExchangeDecoder exchanges;
    private final Map<String, Integer> labels = new HashMap<>();
    private final List<Jump> jumps = new ArrayList<>();

    /// @param known what was found when the kernel was read before
    public Decoder(Tokens tokens, KernelScope scope, Copies known) {
        this.tokens = tokens;
        out = new Emitter(tokens, scope, known);
        arithmetic = new ArithmeticDecoder(out);
        moves = new MoveDecoder(out);
        predicates = new PredicateDecoder(out);
        memory = new MemoryDecoder(out);
        exchanges = new ExchangeDecoder(out);
    }

    public void label(Token name) {
        if (labels.put(name.text(), out.ops().size()) != null) {
            throw tokens.refuse(name.line(), "a label for the second time");
        }
    }

    public void decode(Instruction in) {
        List<String> words = Arrays.asList(in.opcode().split("\\."));
        String name = words.getFirst();
        Modifiers modifiers = new Modifiers(tokens, in.line(), words.subList(1, words.size()));
        boolean known = control(in, name, modifiers)
                || predicates.decode(in, name, modifiers)
                || moves.decode(in, name, modifiers)
                || memory.decode(in, name, modifiers)
                || exchanges.decode(in, name, modifiers)
                || arithmetic.decode(in, name, modifiers);
        if (!known) {
            throw tokens.refuse(in.line(), "unknown instruction " + in.opcode());
        }
    }

    private boolean control(Instruction in, String name, Modifiers modifiers) {
        switch (name) {
            case "bra" -> {
                modifiers.take("uni");
                modifiers.end();
                if (in.operands().size() != 1
                        || !(in.operands().getFirst() instanceof Operand.Name(String label, long _))) {
                    throw out.refuse(in, "expected a label");
                }
                jumps.add(new Jump(out.emit(in, Unit.BRANCH), in, label));
            }
            case "ret", "exit" -> {
                modifiers.take("uni");
                modifiers.end();
                out.emit(in, Unit.EXIT);
            }
            case "trap" -> out.emit(in, Unit.TRAP);
            default -> {
                return false;
            }
        }
        return true;
    }

    /// Returns the copies that have been met.
    public Copies found() {
        return out.found();
    }

    /// Returns the operations, the last of which ends the thread.
    public List<Op> finish() {
        out.ops().add(new Op(tokens.line(), out.ops().size(), Unit.EXIT));
        for (Jump jump : jumps) {
            Integer target = labels.get(jump.label());
            if (target == null) {
                throw out.refuse(jump.in(), "no label " + jump.label());
            }
            jump.op().target = target;
        }
        return ShortBranches.replaceIn(out.ops());
    }
}
