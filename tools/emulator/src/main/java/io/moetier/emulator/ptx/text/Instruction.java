package io.moetier.emulator.ptx.text;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// An instruction as it is written.
///
/// @param opcode with all its modifiers
/// @param guard the predicate in `@p`, if there is one
public record Instruction(
        int line, String opcode, @Nullable String guard, boolean guardNegated, List<Operand> operands) {
    public Instruction {
        operands = List.copyOf(operands);
    }
}
