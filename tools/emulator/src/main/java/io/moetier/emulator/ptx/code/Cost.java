package io.moetier.emulator.ptx.code;

/// As which of the operations of [io.moetier.emulator.ptx.run.LaunchCounts] an instruction counts.
public enum Cost {
    NONE(0),
    /// Arithmetic on floats, halves included.
    FP32(1),
    /// Integer and logic arithmetic, conversions and moves.
    INTEGER(2),
    /// `dp4a`.
    DOT_PRODUCT(3),
    /// Reciprocals, roots, exponentials and their like.
    SPECIAL(4),
    /// `mma` instructions of a warp, weighted with their multiply-adds.
    MATRIX(5);

    public static final int COUNT = 6;

    public final int slot;

    Cost(int slot) {
        this.slot = slot;
    }
}
