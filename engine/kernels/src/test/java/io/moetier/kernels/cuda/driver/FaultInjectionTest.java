package io.moetier.kernels.cuda.driver;

import static io.moetier.kernels.cuda.driver.Drivers.assertStatus;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.InjectedFault;
import io.moetier.emulator.driver.machine.CallTrace;
import io.moetier.emulator.driver.machine.LeakReport;
import io.moetier.emulator.driver.option.EmulatedOptions;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.lwjgl.cuda.CU;

/// Failures on demand, traces of calls, and reports of leaks.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FaultInjectionTest {
    private EmulatedDriver driver;

    @BeforeAll
    void start() {
        driver = Drivers.start(EmulatedOptions.DEFAULT);
    }

    @AfterAll
    void stop() {
        driver.close();
    }

    @Test
    void theChosenCallFailsAndNoOther() {
        driver.reset(EmulatedOptions.DEFAULT.withFaults(InjectedFault.once("cuMemAlloc", 2, CudaStatus.OUT_OF_MEMORY)));
        try (CudaContext context = Drivers.open(driver);
                CudaMemory first = context.allocate(1)) {
            CudaException failure = assertThrows(CudaException.class, () -> context.allocate(1));
            assertEquals("cuMemAlloc", failure.function());
            assertTrue(failure.isOutOfMemory());
            context.allocate(1).close();
            assertEquals(1, first.byteSize());
        }
    }

    @Test
    void aContextThatCannotBeMadeCurrentIsGivenBack() {
        driver.reset(EmulatedOptions.DEFAULT.withFaults(InjectedFault.once("cuCtxSetCurrent", 1, CudaStatus.UNKNOWN)));
        assertThrows(CudaException.class, () -> Drivers.open(driver));
        assertTrue(driver.leaks().isEmpty(), () -> driver.leaks().toString());
        Drivers.open(driver).close();
    }

    @Test
    void aContextThatCannotBeLeftIsGivenBack() {
        for (String call : List.of("cuCtxGetCurrent", "cuCtxPopCurrent")) {
            driver.reset(EmulatedOptions.DEFAULT);
            CudaContext context = Drivers.open(driver);
            driver.inject(InjectedFault.once(call, 1, CudaStatus.UNKNOWN));
            assertEquals(call, assertThrows(CudaException.class, context::close).function());
            assertTrue(driver.leaks().isEmpty(), () -> driver.leaks().toString());
        }
    }

    @Test
    void faultsCanBeAddedLater() {
        driver.reset(EmulatedOptions.DEFAULT);
        try (CudaContext context = Drivers.open(driver)) {
            context.synchronize();
            driver.inject(InjectedFault.once("cuCtxSynchronize", 1, CudaStatus.ECC_UNCORRECTABLE));
            CudaException failure = assertThrows(CudaException.class, context::synchronize);
            assertEquals("cuCtxSynchronize failed: CUDA_ERROR_ECC_UNCORRECTABLE", failure.getMessage());
            context.synchronize();
        }
        assertThrows(IllegalArgumentException.class, () -> InjectedFault.once("cuInit", 0, CudaStatus.UNKNOWN));
    }

    @Test
    void aLostDeviceStaysLost() {
        driver.reset(EmulatedOptions.DEFAULT.withFaults(InjectedFault.deviceLost("cuStreamSynchronize", 1)));
        try (CudaContext context = Drivers.open(driver)) {
            CudaStream stream = context.stream();
            assertThrows(CudaException.class, stream::synchronize);
            assertThrows(CudaException.class, context::freeBytes);
            assertThrows(CudaException.class, stream::close);
        }
        assertTrue(driver.leaks().isEmpty(), "a broken context takes everything with it");
        try (CudaContext again = Drivers.open(driver)) {
            again.synchronize();
        }
    }

    @Test
    void reportsWhatWasNotGivenBack() {
        driver.reset(EmulatedOptions.DEFAULT);
        CudaContext context = Drivers.open(driver);
        CudaMemory memory = context.allocate(100);
        CudaStream stream = context.stream();
        context.event().record(stream);
        context.pinned(200);
        LeakReport live = driver.leaks();
        assertEquals(
                Set.of(
                        "context of device 0",
                        "device memory of 100 bytes",
                        "stream 1",
                        "event",
                        "pinned memory of 200 bytes"),
                Set.copyOf(live.leaks()));
        memory.close();
        stream.close();
        context.close();
        assertEquals(
                Set.of("event", "pinned memory of 200 bytes"),
                Set.copyOf(driver.leaks().leaks()));
        assertFalse(driver.leaks().isEmpty());
        driver.reset(EmulatedOptions.DEFAULT);
        assertEquals("no leaks", driver.leaks().toString());
    }

    @Test
    void countsCalls() {
        driver.reset(EmulatedOptions.DEFAULT);
        try (CudaContext context = Drivers.open(driver);
                CudaStream stream = context.stream()) {
            CallTrace before = driver.calls();
            for (int i = 0; i < 3; i++) {
                stream.synchronize();
            }
            assertStatus(CudaStatus.INVALID_HANDLE, CU.cuStreamDestroy(12345));
            CallTrace calls = driver.calls().since(before);
            assertEquals(3, calls.count("cuStreamSynchronize"));
            assertEquals(1, calls.count("cuStreamDestroy"), "what failed counts as well");
            assertEquals(0, calls.count("cuInit"));
            assertEquals(4, calls.total());
            assertTrue(calls.nanos() > 0);
        }
    }
}
