package io.moetier.emulator.ptx.code;

/// Which of the counts of [LaunchCounts] an instruction adds to.
public enum Cost {
    NONE(0),
    FP32(1),
    INTEGER(2),
    DOT_PRODUCT(3),
    SPECIAL(4),
    MATRIX(5);

    public static final int COUNT = 6;

    public final int slot;

    Cost(int slot) {
        this.slot = slot;
    }
}
