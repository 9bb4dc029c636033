package io.moetier.kernels.cuda.driver;

import static io.moetier.kernels.cuda.driver.Drivers.assertStatus;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.option.EmulatedOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.lwjgl.PointerBuffer;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.MemoryStack;

/// Memory of devices and of the host, and copies between them, through LWJGL.
class MemoryFunctionsTest {
    private static final int BYTES = 1000;

    @Test
    void copiesThereAndBack() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
                CudaContext context = Drivers.open(driver);
                CudaStream stream = context.stream();
                CudaMemory first = context.allocate(BYTES);
                CudaMemory second = context.allocate(BYTES);
                PinnedMemory pinned = context.pinned(BYTES);
                Arena arena = Arena.ofConfined()) {
            MemorySegment pageable = arena.allocate(BYTES);
            for (int i = 0; i < BYTES; i++) {
                pageable.set(JAVA_BYTE, i, (byte) (7 * i));
            }
            byte[] content = pageable.toArray(JAVA_BYTE);
            stream.copyToDevice(first, 0, pageable);
            pageable.fill((byte) 0); // which a copy of pageable memory allows
            stream.copyOnDevice(second, 0, first, 0, BYTES);
            stream.copyToHost(second, 0, pinned.segment());
            stream.synchronize();

            assertArrayEquals(content, pinned.segment().toArray(JAVA_BYTE));
            stream.copyToHost(second, 10, pageable.asSlice(0, 20)); // which is there when the call returns
            assertEquals(content[29], pageable.get(JAVA_BYTE, 19));
        }
    }

    @Test
    void copiesWithoutAStream() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
                CudaContext context = Drivers.open(driver);
                CudaMemory memory = context.allocate(BYTES)) {
            byte[] content = {1, 2, 3, 4};
            long address = memory.address(0, BYTES);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment from = arena.allocateFrom(JAVA_BYTE, content);
                MemorySegment to = arena.allocate(4);
                assertStatus(CudaStatus.SUCCESS, CU.ncuMemcpyHtoD(address, from.address(), 4));
                assertStatus(CudaStatus.SUCCESS, CU.cuMemcpyDtoD(address + 8, address, 4));
                assertStatus(CudaStatus.SUCCESS, CU.ncuMemcpyDtoH(to.address(), address + 8, 4));
                assertArrayEquals(content, to.toArray(JAVA_BYTE));
            }
        }
    }

    @Test
    void fillsWithUnitsOfOneTwoAndFourBytes() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
                CudaContext context = Drivers.open(driver);
                CudaStream stream = context.stream();
                CudaMemory memory = context.allocate(16);
                PinnedMemory back = context.pinned(16)) {
            long address = memory.address(0, 16);
            stream.fill(memory, 0, 16, (byte) 0x11);
            assertStatus(CudaStatus.SUCCESS, CU.cuMemsetD16Async(address, (short) 0x2222, 2, stream.handle()));
            assertStatus(CudaStatus.SUCCESS, CU.cuMemsetD32Async(address + 8, 0x33333333, 1, stream.handle()));
            assertStatus(CudaStatus.INVALID_VALUE, CU.cuMemsetD32Async(address + 2, 0, 1, stream.handle()));
            stream.copyToHost(memory, 0, back.segment());
            stream.synchronize();
            assertArrayEquals(
                    new int[] {0x22222222, 0x11111111, 0x33333333, 0x11111111},
                    back.segment().toArray(JAVA_INT));
            assertStatus(CudaStatus.SUCCESS, CU.cuMemsetD8(address, (byte) 5, 3));
            assertStatus(CudaStatus.SUCCESS, CU.cuMemsetD32(address, 5, 3));
        }
    }

    @Test
    void givesOutNoMoreThanThereIs() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT.withGpus(Drivers.gpu(8192)));
                CudaContext context = Drivers.open(driver)) {
            try (CudaMemory all = context.allocate(8192)) {
                assertEquals(8192, all.byteSize());
                assertEquals(0, context.freeBytes());
                CudaException failure = assertThrows(CudaException.class, () -> context.allocate(1));
                assertTrue(failure.isOutOfMemory());
                assertEquals("cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY: 1 bytes", failure.getMessage());
            }
            context.allocate(8192).close();
        }
    }

    @Test
    void refusesRangesThatAreNotThere() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
                CudaContext context = Drivers.open(driver);
                PinnedMemory host = context.pinned(BYTES)) {
            CudaMemory memory = context.allocate(BYTES);
            long address = memory.address(0, BYTES);
            long hostAddress = host.segment().address();
            assertStatus(CudaStatus.INVALID_VALUE, CU.ncuMemcpyHtoD(address + 1, hostAddress, BYTES));
            assertTrue(
                    driver.diagnostics().getLast().contains("1 bytes past the end"),
                    () -> driver.diagnostics().getLast());
            assertStatus(CudaStatus.INVALID_VALUE, CU.ncuMemcpyHtoD(hostAddress, hostAddress, BYTES));
            memory.close();
            assertStatus(CudaStatus.INVALID_VALUE, CU.ncuMemcpyHtoD(address, hostAddress, BYTES));
            assertTrue(driver.diagnostics().getLast().contains("use after free"));
            assertStatus(CudaStatus.INVALID_VALUE, CU.cuMemFree(address));
            assertThrows(IllegalStateException.class, () -> memory.address(0, 1));
            context.synchronize(); // none of that broke the context
        }
    }

    @Test
    void tellsOfMemoryThatWasNeverWritten() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
                CudaContext context = Drivers.open(driver)) {
            CudaMemory memory = context.allocate(BYTES);
            PinnedMemory host = context.pinned(BYTES);
            CudaStream stream = context.stream();
            stream.copyToHost(memory, 0, host.segment());
            CudaException failure = assertThrows(CudaException.class, stream::synchronize);
            assertEquals("cuStreamSynchronize failed: CUDA_ERROR_LAUNCH_FAILED", failure.getMessage());
            assertTrue(driver.diagnostics().getLast().contains("never written"));
            assertThrows(CudaException.class, context::synchronize, "a broken context stays broken");
        }
    }

    @Test
    void allocatesAndFreesInTheOrderOfAStream() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT.withSeed(3));
                CudaContext context = Drivers.open(driver);
                CudaStream stream = context.stream();
                MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer pointer = stack.mallocPointer(1);
            assertStatus(CudaStatus.SUCCESS, CU.cuMemAllocAsync(pointer, BYTES, stream.handle()));
            assertStatus(CudaStatus.SUCCESS, CU.cuMemsetD8Async(pointer.get(0), (byte) 1, BYTES, stream.handle()));
            assertStatus(CudaStatus.SUCCESS, CU.cuMemFreeAsync(pointer.get(0), stream.handle()));
            assertStatus(CudaStatus.INVALID_VALUE, CU.cuMemFreeAsync(pointer.get(0), stream.handle()));
            stream.synchronize();
            assertEquals(Drivers.RTX3060.vramBytes(), context.freeBytes());
        }
    }

    @Test
    void registersMemoryOfTheProgram() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
                CudaContext context = Drivers.open(driver);
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(BYTES);
            try (PinnedMemory pinned = context.pin(memory)) {
                assertEquals(memory, pinned.segment());
                CudaException failure = assertThrows(CudaException.class, () -> context.pin(memory));
                assertEquals(CudaStatus.HOST_MEMORY_ALREADY_REGISTERED.code(), failure.code());
            }
            assertStatus(CudaStatus.HOST_MEMORY_NOT_REGISTERED, CU.ncuMemHostUnregister(memory.address()));
        }
    }

    @Test
    void describesPointers() {
        try (EmulatedDriver driver = Drivers.start(EmulatedOptions.DEFAULT);
                CudaContext context = Drivers.open(driver);
                CudaMemory memory = context.allocate(BYTES);
                PinnedMemory host = context.pinned(BYTES);
                MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer base = stack.mallocPointer(1);
            PointerBuffer size = stack.mallocPointer(1);
            assertStatus(CudaStatus.SUCCESS, CU.cuMemGetAddressRange(base, size, memory.address(77, 1)));
            assertEquals(memory.address(0, 1), base.get(0));
            assertEquals(BYTES, size.get(0));
            assertEquals(2, memoryType(stack, memory.address(5, 1)));
            assertEquals(1, memoryType(stack, host.segment().address()));
            assertStatus(
                    CudaStatus.SUCCESS,
                    CU.ncuMemHostGetDevicePointer(base.address(), host.segment().address(), 0));
            assertEquals(2, memoryType(stack, base.get(0)));
        }
    }

    private static int memoryType(MemoryStack stack, long address) {
        var type = stack.calloc(4);
        assertStatus(CudaStatus.SUCCESS, CU.cuPointerGetAttribute(type, CU.CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address));
        return type.getInt(0);
    }

    @Test
    void copiesFromOneDeviceToAnother() {
        EmulatedOptions two = EmulatedOptions.DEFAULT.withGpus(Drivers.gpu(1 << 20), Drivers.gpu(1 << 20));
        try (EmulatedDriver driver = Drivers.start(two)) {
            CudaDriver cuda = Drivers.find(driver);
            try (CudaContext first = cuda.open(0)) {
                CudaMemory from = first.allocate(BYTES);
                CudaStream stream = first.stream();
                stream.fill(from, 0, BYTES, (byte) 42);
                try (CudaContext second = cuda.open(1);
                        CudaMemory to = second.allocate(BYTES);
                        PinnedMemory back = second.pinned(BYTES)) {
                    first.makeCurrent();
                    assertStatus(
                            CudaStatus.SUCCESS,
                            CU.cuMemcpyPeerAsync(
                                    to.address(0, BYTES),
                                    second.handle(),
                                    from.address(0, BYTES),
                                    first.handle(),
                                    BYTES,
                                    stream.handle()));
                    stream.synchronize();
                    second.makeCurrent();
                    assertStatus(
                            CudaStatus.SUCCESS,
                            CU.ncuMemcpyDtoH(back.segment().address(), to.address(0, BYTES), BYTES));
                    assertEquals(42, back.segment().get(JAVA_BYTE, BYTES - 1));
                }
                first.makeCurrent();
                stream.close();
                from.close();
            }
            assertTrue(driver.leaks().isEmpty(), () -> driver.leaks().toString());
        }
    }
}
