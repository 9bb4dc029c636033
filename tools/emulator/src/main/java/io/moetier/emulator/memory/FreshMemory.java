package io.moetier.emulator.memory;

/// What memory holds that has just been allocated, and whether anybody may read it before it is written.
public enum FreshMemory {
    /// Reading it is a fault. Costs up to one byte in eight of what is written piece by piece.
    FAULTS,
    /// All bits are one: a float read from it is not a number, and spreads.
    POISONED,
    /// Zero, and no page of it exists before it is touched: for models larger than this machine's memory.
    ZERO
}
