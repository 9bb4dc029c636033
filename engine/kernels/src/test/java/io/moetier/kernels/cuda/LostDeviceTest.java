package io.moetier.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.emulator.driver.fault.InjectedFault;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.cuda.driver.CudaException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class LostDeviceTest {
    private static final EmulatedOptions LOST =
            EmulatedOptions.DEFAULT.withFaults(InjectedFault.deviceLost("cuStreamSynchronize", 1));

    @Test
    void arenasEndBeforeTheDeviceAndAfterIt() {
        try (DevicePair devices = new DevicePair(LOST)) {
            if (!devices.isEmulated()) {
                return;
            }
            Arena before = devices.cuda.newArena();
            Arena after = devices.cuda.newArena();
            MemorySegment first = devices.cuda.allocateSlab(4096, before);
            MemorySegment second = devices.cuda.allocateSlab(4096, after);
            assertThrows(CudaException.class, before::close);
            assertFalse(first.scope().isAlive());
            assertThrows(CudaException.class, devices.cuda::close);
            after.close();
            assertFalse(second.scope().isAlive());
        }
    }
}
