package io.moetier.emulator.driver.machine;

import io.moetier.emulator.driver.clock.ComputeCapability;
import io.moetier.emulator.ptx.module.PtxKernel;

/// A kernel of a loaded module, and how much dynamic shared memory it was allowed.
public final class DriverKernel {
    private final DriverModule module;
    private final PtxKernel kernel;
    private int dynamicSharedBytes;

    public DriverKernel(DriverModule module, PtxKernel kernel) {
        this.module = module;
        this.kernel = kernel;
        dynamicSharedBytes = Math.max(0, ComputeCapability.SHARED_BYTES_PER_BLOCK - kernel.sharedBytes());
    }

    public DriverModule module() {
        return module;
    }

    public PtxKernel kernel() {
        return kernel;
    }

    /// Returns the most that a launch may ask for.
    public int dynamicSharedBytes() {
        return dynamicSharedBytes;
    }

    public void allowDynamicSharedBytes(int bytes) {
        dynamicSharedBytes = bytes;
    }
}
