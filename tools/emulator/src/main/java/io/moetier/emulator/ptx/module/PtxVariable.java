package io.moetier.emulator.ptx.module;

import java.lang.foreign.MemorySegment;

/// A `.global` or `.const` variable of a module.
///
/// @param bytes its size
/// @param alignment of its address, in bytes
/// @param initial its first bytes; the rest is zero. Read-only
/// @param constant whether kernels may only read it
public record PtxVariable(String name, long bytes, int alignment, MemorySegment initial, boolean constant) {}
