package io.moetier.emulator.ptx.code;

/// Which part of the interpreter executes an instruction.
public enum Unit {
    /// Whole rows of registers at once: what kernels mostly consist of. See [RowCode].
    ROWS,
    /// One lane after the other: everything else that computes. See [ScalarCode].
    LANES,
    COMPARE,
    LOGIC,
    SELECT,
    LOAD,
    STORE,
    ATOMIC,
    /// Vote masks, clocks: what the warp knows of itself.
    WARP,
    BRANCH,
    EXIT,
    BARRIER,
    /// What waits for the lanes of a member mask: shuffles, votes, matrix products.
    EXCHANGE,
    TRAP
}
