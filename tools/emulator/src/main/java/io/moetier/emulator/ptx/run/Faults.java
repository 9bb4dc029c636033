package io.moetier.emulator.ptx.run;

import io.moetier.emulator.memory.FaultKind;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.lane.Warp;
import io.moetier.emulator.ptx.module.PtxKernel;

/// Knows where a launch is, and says so in faults.
final class Faults {
    private final PtxKernel kernel;
    private final Extent grid;
    private final Extent block;
    private long blockIndex;

    Faults(PtxKernel kernel, Extent grid, Extent block) {
        this.kernel = kernel;
        this.grid = grid;
        this.block = block;
    }

    void enterBlock(long index) {
        blockIndex = index;
    }

    KernelFault at(FaultKind kind, Op op, Warp warp, int lane, String reason) {
        return new KernelFault(
                kind,
                kernel.name(),
                op.line,
                "kernel " + kernel.name() + ", block " + place(blockIndex, grid) + ", thread "
                        + place(warp.index * Warp.LANES + lane, block) + ", PTX line " + op.line + " ("
                        + kernel.text(op.line) + "): " + reason);
    }

    private static String place(long index, Extent extent) {
        return "(" + index % extent.x() + "," + index / extent.x() % extent.y() + "," + index / extent.x() / extent.y()
                + ")";
    }

    /// Names lanes, as in `lanes 16 to 31`.
    static String lanes(int mask) {
        int first = Integer.numberOfTrailingZeros(mask);
        int last = Integer.SIZE - 1 - Integer.numberOfLeadingZeros(mask);
        boolean together = Integer.bitCount(mask) == last - first + 1;
        return first == last
                ? "lane " + first
                : together ? "lanes " + first + " to " + last : "lanes 0x" + Integer.toHexString(mask);
    }
}
