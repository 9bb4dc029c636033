package io.moetier.emulator.ptx.text;

import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Space;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// A variable as it is declared, in any space but registers.
///
/// @param bytes 0 for an array whose length the launch decides
/// @param initial its first bytes, or null
public record Declaration(
        int line,
        Space space,
        PtxType type,
        int alignment,
        String name,
        long bytes,
        @Nullable MemorySegment initial) {}
