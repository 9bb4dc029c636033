package io.moetier.emulator.ptx.text;

import io.moetier.emulator.ptx.code.PtxType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// An operand as it is written.
public sealed interface Operand {
    /// A register, a variable with an offset in bytes, or a label; `_` is a result that nobody wants.
    record Name(String name, long offset) implements Operand {}

    /// `!p`
    record Not(String name) implements Operand {}

    /// A literal; `type` is S64 for integers, else that of the bit pattern.
    record Literal(long bits, PtxType type) implements Operand {}

    /// `[base + offset]`; without a base the offset is the address.
    record Address(@Nullable String base, long offset) implements Operand {}

    /// `{a, b}`
    record Vector(List<Operand> elements) implements Operand {
        public Vector {
            elements = List.copyOf(elements);
        }
    }

    /// `d|p`: two results.
    record Pair(String first, String second) implements Operand {}
}
