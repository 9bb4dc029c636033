package io.moetier.kernels.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.option.EmulatedGpu;
import io.moetier.emulator.driver.option.EmulatedOptions;
import java.io.IOException;
import java.util.Optional;

/// Emulated drivers for tests, bound through LWJGL as a program would.
final class Drivers {
    static final GpuProfile RTX3060 = GpuProfile.of("rtx3060").orElseThrow();

    private Drivers() {}

    static EmulatedDriver start(EmulatedOptions options) {
        try {
            return EmulatedDriver.start(options);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /// Returns the driver as the engine sees it.
    static CudaDriver find(EmulatedDriver driver) {
        return switch (CudaDriver.find(Optional.of(driver.library()), Optional.empty())) {
            case CudaLookup.Found(CudaDriver found) -> found;
            case CudaLookup.Absent(String reason, boolean _) -> fail(reason);
        };
    }

    static CudaContext open(EmulatedDriver driver) {
        return find(driver).open(0);
    }

    static EmulatedGpu gpu(long vramBytes) {
        return new EmulatedGpu(RTX3060, vramBytes);
    }

    static void assertStatus(CudaStatus expected, int code) {
        assertEquals(expected, CudaStatus.of(code).orElseThrow());
    }
}
