package io.moetier.emulator.ptx.run;

import io.moetier.emulator.ptx.code.Cost;
import io.moetier.emulator.ptx.code.Op;

/// What a launch has counted so far.
final class Counters {
    final boolean counting;
    private final long[] operations = new long[Cost.COUNT];
    long warpInstructions;
    long sectorsRead;
    long sectorsWritten;

    Counters(boolean counting) {
        this.counting = counting;
    }

    void add(Op op, int mask) {
        operations[op.cost.slot] += (long) op.weight * Integer.bitCount(mask);
    }

    LaunchCounts result() {
        return new LaunchCounts(
                warpInstructions,
                operations[Cost.FP32.slot],
                operations[Cost.INTEGER.slot],
                operations[Cost.DOT_PRODUCT.slot],
                operations[Cost.SPECIAL.slot],
                operations[Cost.MATRIX.slot],
                sectorsRead,
                sectorsWritten);
    }
}
