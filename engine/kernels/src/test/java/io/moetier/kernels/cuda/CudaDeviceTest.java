package io.moetier.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cuda.driver.CudaException;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.DeviceContract;
import io.moetier.kernels.device.DeviceMarks;
import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// A CUDA device, and what of its memory is its own.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CudaDeviceTest extends DeviceContract {
    private final DevicePair devices = new DevicePair();

    @AfterAll
    void close() {
        devices.close();
    }

    @Override
    protected Device open() {
        return devices.open();
    }

    @Override
    protected Class<? extends Throwable> ofNoMemory() {
        return CudaException.class;
    }

    @Test
    void whatDoesNotFitIsNamed() {
        if (!devices.isEmulated()) {
            return;
        }
        try (Arena arena = devices.cuda.newArena()) {
            long tooMuch = 1L << 40;
            CudaException failure = assertThrows(CudaException.class, () -> devices.cuda.allocateSlab(tooMuch, arena));
            assertTrue(failure.isOutOfMemory());
            String message = String.valueOf(failure.getMessage());
            assertTrue(message.contains("CUDA_ERROR_OUT_OF_MEMORY"), message);
            assertTrue(message.endsWith(" bytes of slots for experts"), message);
            assertEquals(5, devices.cuda.allocate(5, arena).length(), "everything goes on");
        }
    }

    /// Those of a type come with the first product, if nobody has said before that it will be wanted.
    @Test
    void kernelsOfATypeOfWeightsAreLoadedOnceAndNoOthers() {
        if (!devices.isEmulated()) {
            return;
        }
        try (CudaDevice device = devices.open();
                Arena arena = device.newArena()) {
            assertEquals(3, loads(() -> device.prepare(EnumSet.of(DType.Q4_0, DType.F32))), "and those of a router");
            assertEquals(0, loads(() -> device.prepare(EnumSet.of(DType.Q4_0))));
            assertEquals(0, loads(() -> multiply(device, DType.Q4_0, arena)));
            assertEquals(1, loads(() -> multiply(device, DType.Q2_K, arena)));
            assertEquals(0, loads(() -> multiply(device, DType.Q2_K, arena)));
        }
    }

    private long loads(Runnable work) {
        long before = devices.calls("cuModuleLoadDataEx");
        work.run();
        return devices.calls("cuModuleLoadDataEx") - before;
    }

    private static void multiply(Device device, DType dtype, Arena arena) {
        WeightMatrix w = device.hold(RandomWeights.matrix(dtype, 16, 256, new Random(1)), arena);
        device.kernels().matmul(w, device.allocate(256, arena), 1, device.allocate(16, arena));
    }

    /// A device that is not there has virtual time. A real one has its own, in which it waits between two kernels until
    /// the host launches the next.
    @Test
    void marksTellWhenTheDeviceReachesThem() {
        DeviceBuffer x = devices.cuda.allocate(2048);
        DeviceBuffer out = devices.cuda.allocate(2048);
        try (Arena arena = devices.cuda.newArena();
                DeviceMarks marks = devices.cuda.newMarks()) {
            WeightMatrix small = devices.cuda.hold(RandomWeights.matrix(DType.F32, 16, 32, new Random(1)), arena);
            WeightMatrix large = devices.cuda.hold(RandomWeights.matrix(DType.F32, 2048, 512, new Random(2)), arena);
            for (int round = 0; round < 2; round++) {
                marks.set();
                devices.cuda.kernels().matmul(small, x, 1, out);
                marks.set();
                devices.cuda.kernels().matmul(large, x, 1, out);
                marks.set();
                double[] at = marks.take();
                assertEquals(3, at.length);
                assertTrue(at[1] > at[0] && at[2] > at[1], () -> Arrays.toString(at));
                assertTrue(!devices.isEmulated() || at[2] - at[1] > at[1] - at[0] + 1000, () -> Arrays.toString(at));
            }
        }
    }

    @Test
    void anArenaMayBeClosedTwiceAndIsOfOneDevice() {
        Arena arena = devices.cuda.newArena();
        arena.close();
        arena.close();
        assertThrows(IllegalStateException.class, () -> devices.cuda.allocate(1, arena));
        try (Arena main = Arena.ofShared()) {
            assertThrows(IllegalArgumentException.class, () -> devices.cuda.allocate(4, main));
        }
    }
}
