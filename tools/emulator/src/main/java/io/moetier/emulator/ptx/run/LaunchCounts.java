package io.moetier.emulator.ptx.run;

import io.moetier.emulator.ptx.code.Cost;
import io.moetier.emulator.ptx.code.Op;

/// What a launch has done, for a clock to charge. Without [LaunchOptions#countTraffic] only its instructions are
/// counted.
///
/// Confined to the thread that runs the launch, and final when that has ended.
public final class LaunchCounts {
    final boolean counting;
    private final long[] operations = new long[Cost.COUNT];
    long warpInstructions;
    long sectorsRead;
    long sectorsWritten;

    LaunchCounts(boolean counting) {
        this.counting = counting;
    }

    void add(Op op, int mask) {
        operations[op.cost.slot] += (long) op.weight * Integer.bitCount(mask);
    }

    /// Returns the operations of a kind. They count active lanes: a fused multiply-add of a full warp is 32 of
    /// [Cost#FP32], as is an addition. A packed half-precision instruction counts once a lane.
    public long operations(Cost kind) {
        return operations[kind.slot];
    }

    /// Returns the instructions that are executed, each counted once for the lanes that execute it together. Copies of
    /// registers and short branches are none, as those that a compiler for a device leaves out.
    public long warpInstructions() {
        return warpInstructions;
    }

    /// Returns the distinct 32-byte sectors of global memory that were read.
    public long sectorsRead() {
        return sectorsRead;
    }

    /// Returns the distinct 32-byte sectors of global memory that were written, atomics included.
    public long sectorsWritten() {
        return sectorsWritten;
    }
}
