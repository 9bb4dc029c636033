package io.moetier.emulator.driver;

import io.moetier.emulator.driver.clock.ComputeCapability;
import io.moetier.emulator.ptx.PtxKernel;

/// A kernel of a loaded module, and how much dynamic shared memory it was allowed.
final class DriverKernel {
    private final DriverModule module;
    private final PtxKernel kernel;
    private int dynamicSharedBytes;

    DriverKernel(DriverModule module, PtxKernel kernel) {
        this.module = module;
        this.kernel = kernel;
        dynamicSharedBytes = Math.max(0, ComputeCapability.SHARED_BYTES_PER_BLOCK - kernel.sharedBytes());
    }

    DriverModule module() {
        return module;
    }

    PtxKernel kernel() {
        return kernel;
    }

    /// Returns the most that a launch may ask for.
    int dynamicSharedBytes() {
        return dynamicSharedBytes;
    }

    void allowDynamicSharedBytes(int bytes) {
        dynamicSharedBytes = bytes;
    }
}
