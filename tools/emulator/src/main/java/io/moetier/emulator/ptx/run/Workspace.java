package io.moetier.emulator.ptx.run;

import io.moetier.emulator.memory.Allocation;
import io.moetier.emulator.memory.DeviceMemory;
import io.moetier.emulator.ptx.lane.Warp;
import io.moetier.emulator.ptx.module.PtxKernel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// What the launches of a kernel work in, one after the other: warps with their registers and local memory, and shared
/// memory. It is made once, as that takes as long as a small launch computes. Each launch finds its memory fresh, and
/// its registers as the last one left them.
final class Workspace {
    private final PtxKernel kernel;
    private final DeviceMemory memory;
    private Warp[] warps = {};
    private @Nullable Allocation shared;

    Workspace(PtxKernel kernel, DeviceMemory memory) {
        this.kernel = kernel;
        this.memory = memory;
    }

    /// Returns the warps of a block, in an array of the caller's.
    Warp[] warps(int count) {
        int made = Math.min(warps.length, count);
        for (int i = 0; i < made; i++) {
            memory.renew(warps[i].local);
        }
        if (made < count) {
            warps = Arrays.copyOf(warps, count);
            for (int i = made; i < count; i++) {
                warps[i] = new Warp(i, kernel.program(), memory.scratch((long) kernel.localBytes() * Warp.LANES));
            }
        }
        return Arrays.copyOf(warps, count);
    }

    /// Returns the shared memory of a block, with `dynamicBytes` behind what the kernel declares.
    Allocation shared(int dynamicBytes) {
        long bytes = (long) kernel.sharedBytes() + dynamicBytes;
        Allocation kept = shared;
        if (kept != null && kept.bytes() == bytes) {
            memory.renew(kept);
            return kept;
        }
        Allocation made = memory.scratch(bytes);
        shared = made;
        return made;
    }
}
