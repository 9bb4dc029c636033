package io.moetier.emulator.ptx;

/// Which of the counts of [LaunchCounts] an instruction adds to.
enum Cost {
    NONE(0),
    FP32(1),
    INTEGER(2),
    DOT_PRODUCT(3),
    SPECIAL(4),
    MATRIX(5);

    static final int COUNT = 6;

    final int slot;

    Cost(int slot) {
        this.slot = slot;
    }
}
