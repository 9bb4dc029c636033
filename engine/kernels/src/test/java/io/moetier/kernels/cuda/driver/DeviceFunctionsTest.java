package io.moetier.kernels.cuda.driver;

import static io.moetier.kernels.cuda.driver.Drivers.assertStatus;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.InjectedFault;
import io.moetier.emulator.driver.option.EmulatedGpu;
import io.moetier.emulator.driver.option.EmulatedOptions;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.lwjgl.PointerBuffer;
import org.lwjgl.cuda.CU;
import org.lwjgl.cuda.CUuuid;
import org.lwjgl.system.MemoryStack;

/// The start of the driver, its devices and contexts, through LWJGL.
class DeviceFunctionsTest {
    @Test
    void hasEveryFunctionThatLwjglRequires() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT)) {
            Drivers.find(driver); // LWJGL refuses a driver that lacks one
            assertStatus(CudaStatus.NOT_SUPPORTED, CU.cuTexRefDestroy(1));
            assertEquals(1, driver.calls().count("cuTexRefDestroy"));
        }
    }

    @Test
    void describesADeviceAsItsProfileDoes() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT.withDriverVersion(12_040))) {
            CudaDriver cuda = Drivers.find(driver);
            CudaDeviceInfo device = cuda.device(0);

            assertEquals(12_040, cuda.version());
            assertEquals(1, cuda.deviceCount());
            assertEquals("NVIDIA GeForce RTX 3060 (emulated)", device.name());
            assertEquals(12L << 30, device.memoryBytes());
            assertEquals(86, device.computeCapability());
            assertEquals(28, device.multiprocessors());
            assertEquals(3 << 20, device.l2Bytes());
            assertEquals(99 << 10, device.sharedBytesPerBlock());
        }
    }

    @Test
    void hasSeveralDevicesOfDifferentKinds() {
        GpuProfile h100 = GpuProfile.of("H100").orElseThrow();
        EmulatedOptions options = EmulatedOptions.DEFAULT.withGpus(Drivers.gpu(1 << 20), EmulatedGpu.of(h100));
        try (EmulatedDriver driver = Drivers.start(options)) {
            CudaDriver cuda = Drivers.find(driver);

            assertEquals(2, cuda.deviceCount());
            assertEquals(1 << 20, cuda.device(0).memoryBytes());
            assertEquals(90, cuda.device(1).computeCapability());
            assertThrows(IllegalArgumentException.class, () -> cuda.device(2));
            try (MemoryStack stack = MemoryStack.stackPush()) {
                CUuuid first = CUuuid.calloc(stack);
                CUuuid second = CUuuid.calloc(stack);
                assertStatus(CudaStatus.SUCCESS, CU.cuDeviceGetUuid(first, 0));
                assertStatus(CudaStatus.SUCCESS, CU.cuDeviceGetUuid(second, 1));
                assertNotEquals(first.bytes(), second.bytes());
                ByteBuffer id = stack.calloc(32);
                assertStatus(CudaStatus.SUCCESS, CU.cuDeviceGetPCIBusId(id, 1));
                IntBuffer access = stack.ints(1);
                assertStatus(CudaStatus.SUCCESS, CU.cuDeviceCanAccessPeer(access, 0, 1));
                assertEquals(0, access.get(0));
            }
        }
    }

    @Test
    void namesEveryError() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
                MemoryStack stack = MemoryStack.stackPush()) {
            Drivers.find(driver);
            PointerBuffer text = stack.callocPointer(1);
            for (CudaStatus status : CudaStatus.values()) {
                assertStatus(CudaStatus.SUCCESS, CU.cuGetErrorName(status.code(), text));
                assertEquals(status.symbol(), text.getStringASCII(0));
                assertStatus(CudaStatus.SUCCESS, CU.cuGetErrorString(status.code(), text));
                assertEquals(status.description(), text.getStringASCII(0));
            }
            assertStatus(CudaStatus.INVALID_VALUE, CU.cuGetErrorName(12345, text));
        }
    }

    @Test
    void saysWhyThereIsNoDriver() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT)) {
            Drivers.find(driver);
            assertEquals(
                    "this process uses " + driver.library() + " as its CUDA driver already",
                    absence(CudaDriver.find(Optional.of(Path.of("/another.so")), Optional.empty())));
        }
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT.withGpus())) {
            assertEquals(
                    "the CUDA driver finds no device",
                    absence(CudaDriver.find(Optional.of(driver.library()), Optional.empty())));
        }
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT.withFaults(
                InjectedFault.once("cuInit", 1, CudaStatus.SYSTEM_DRIVER_MISMATCH)))) {
            assertEquals(
                    "the CUDA driver does not start: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
                    absence(CudaDriver.find(Optional.of(driver.library()), Optional.empty())));
        }
    }

    private static String absence(CudaLookup lookup) {
        return assertInstanceOf(CudaLookup.Absent.class, lookup).reason();
    }

    @Test
    void wantsToBeInitialised() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
                MemoryStack stack = MemoryStack.stackPush()) {
            Drivers.find(driver);
            driver.reset(EmulatedOptions.DEFAULT);
            IntBuffer count = stack.mallocInt(1);
            assertStatus(CudaStatus.NOT_INITIALIZED, CU.cuDeviceGetCount(count));
            assertStatus(CudaStatus.INVALID_VALUE, CU.cuInit(1));
            assertStatus(CudaStatus.SUCCESS, CU.cuInit(0));
            assertStatus(CudaStatus.SUCCESS, CU.cuDeviceGetCount(count));
        }
    }

    @Test
    void answersThatItIsGoneAfterItsEnd() {
        EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
        Drivers.find(driver);
        assertThrows(IllegalStateException.class, () -> EmulatedDriver.start(EmulatedOptions.DEFAULT));
        driver.close();
        assertStatus(CudaStatus.DEINITIALIZED, CU.cuInit(0));
        try (EmulatedDriver next = Drivers.start(EmulatedOptions.DEFAULT)) {
            assertEquals(driver.library(), next.library());
            assertStatus(CudaStatus.SUCCESS, CU.cuInit(0));
        }
    }

    @Test
    void keepsAStackOfContextsForEachThread() throws InterruptedException {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
                MemoryStack stack = MemoryStack.stackPush()) {
            Drivers.find(driver);
            PointerBuffer pointer = stack.mallocPointer(1);
            assertStatus(CudaStatus.INVALID_CONTEXT, CU.cuCtxSynchronize());
            assertStatus(CudaStatus.SUCCESS, CU.cuCtxCreate(pointer, 0, 0));
            long first = pointer.get(0);
            assertStatus(CudaStatus.SUCCESS, CU.cuDevicePrimaryCtxRetain(pointer, 0));
            long primary = pointer.get(0);
            assertStatus(CudaStatus.SUCCESS, CU.cuCtxPushCurrent(primary));
            assertEquals(primary, current(pointer));
            assertStatus(CudaStatus.SUCCESS, CU.cuCtxPopCurrent(pointer));
            assertEquals(first, current(pointer));
            int[] onThread = new int[1];
            Thread other = Thread.ofPlatform().start(() -> onThread[0] = CU.cuCtxSynchronize());
            other.join();
            assertStatus(CudaStatus.INVALID_CONTEXT, onThread[0]);
            assertStatus(CudaStatus.SUCCESS, CU.cuCtxDestroy(first));
            assertStatus(CudaStatus.INVALID_CONTEXT, CU.cuCtxDestroy(first));
            assertStatus(CudaStatus.SUCCESS, CU.cuDevicePrimaryCtxRelease(0));
            assertTrue(driver.leaks().isEmpty(), () -> driver.leaks().toString());
        }
    }

    /// The driver knows threads of the operating system, and a virtual one changes those as it waits.
    @Test
    void aContextIsNeverTakenToBeCurrentOnAVirtualThread() throws InterruptedException {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
                CudaContext context = Drivers.open(driver)) {
            Runnable twice = () -> {
                context.enter();
                context.enter();
            };
            long before = driver.calls().count("cuCtxSetCurrent");
            twice.run();
            assertEquals(0, driver.calls().count("cuCtxSetCurrent") - before);
            Thread.ofPlatform().start(twice).join();
            assertEquals(1, driver.calls().count("cuCtxSetCurrent") - before);
            Thread.ofVirtual().start(twice).join();
            assertEquals(3, driver.calls().count("cuCtxSetCurrent") - before);
        }
    }

    private static long current(PointerBuffer pointer) {
        assertStatus(CudaStatus.SUCCESS, CU.cuCtxGetCurrent(pointer));
        return pointer.get(0);
    }

    @Test
    void releasesThePrimaryContextWithItsLastUser() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
                MemoryStack stack = MemoryStack.stackPush()) {
            Drivers.find(driver);
            PointerBuffer pointer = stack.mallocPointer(1);
            IntBuffer flags = stack.mallocInt(1);
            IntBuffer active = stack.mallocInt(1);
            assertStatus(CudaStatus.SUCCESS, CU.cuDevicePrimaryCtxRetain(pointer, 0));
            assertStatus(CudaStatus.SUCCESS, CU.cuDevicePrimaryCtxRetain(pointer, 0));
            assertStatus(CudaStatus.SUCCESS, CU.cuDevicePrimaryCtxRelease(0));
            assertStatus(CudaStatus.SUCCESS, CU.cuDevicePrimaryCtxGetState(0, flags, active));
            assertEquals(1, active.get(0));
            assertStatus(CudaStatus.SUCCESS, CU.cuDevicePrimaryCtxRelease(0));
            assertStatus(CudaStatus.SUCCESS, CU.cuDevicePrimaryCtxGetState(0, flags, active));
            assertEquals(0, active.get(0));
            assertStatus(CudaStatus.INVALID_CONTEXT, CU.cuDevicePrimaryCtxRelease(0));
        }
    }

    @Test
    void saysInWordsWhatWasWrong() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT)) {
            Drivers.find(driver);
            assertStatus(CudaStatus.INVALID_DEVICE, CU.ncuDeviceGet(8, 77));
            assertTrue(
                    driver.diagnostics().getLast().contains("device 77 where there are 1"),
                    () -> driver.diagnostics().toString());
        }
    }
}
