package io.moetier.emulator.ptx;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// An instruction as it is written.
///
/// @param opcode with all its modifiers
/// @param guard the predicate in `@p`, if there is one
record Instruction(int line, String opcode, @Nullable String guard, boolean guardNegated, List<Operand> operands) {
    Instruction {
        operands = List.copyOf(operands);
    }
}
