package io.moetier.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.cuda.driver.CudaDriver;
import io.moetier.kernels.cuda.driver.CudaLookup;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/// The plain kernels and those of a CUDA device: an emulated one, whose memory faults where nothing was written, or the
/// machine's own if the system property `moetier.cuda` is `real`.
final class DevicePair implements AutoCloseable {
    private final @Nullable EmulatedDriver driver;
    private final CudaDriver found;
    private final ActivationType activations;
    final CpuDevice cpu = CpuDevice.open(1, KernelChoice.PLAIN);
    final CudaDevice cuda;

    DevicePair() {
        this(EmulatedOptions.DEFAULT);
    }

    DevicePair(EmulatedOptions options) {
        this(options, ActivationType.F32);
    }

    DevicePair(EmulatedOptions options, ActivationType activations) {
        boolean real = "real".equals(System.getProperty("moetier.cuda"));
        driver = real ? null : start(options);
        Optional<Path> library = driver == null ? Optional.empty() : Optional.of(driver.library());
        found = switch (CudaDriver.find(library, Optional.empty())) {
            case CudaLookup.Found(CudaDriver there) -> there;
            case CudaLookup.Absent(String reason, boolean _) -> fail(reason);
        };
        this.activations = activations;
        cuda = open();
    }

    /// Opens the CUDA device once more, for who closes it.
    CudaDevice open() {
        return CudaDevice.open(found, 0, activations);
    }

    private static EmulatedDriver start(EmulatedOptions options) {
        try {
            return EmulatedDriver.start(options);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Returns how often a function of the driver was called; 0 on a real one.
    long calls(String function) {
        return driver == null ? 0 : driver.calls().count(function);
    }

    boolean isEmulated() {
        return driver != null;
    }

    /// Computes something on a device, whose memory the arena gives.
    interface Work {
        DeviceBuffer on(Device device, Arena arena);
    }

    float[] onCpu(Work work) {
        return on(cpu, work);
    }

    float[] onCuda(Work work) {
        return on(cuda, work);
    }

    static float[] on(Device device, Work work) {
        try (Arena arena = device.newArena()) {
            return read(device, work.on(device, arena));
        }
    }

    static float[] read(Device device, DeviceBuffer buffer) {
        float[] floats = new float[buffer.length()];
        device.download(buffer, 0, floats.length, floats, 0);
        return floats;
    }

    static DeviceBuffer buffer(Device device, Arena arena, float... floats) {
        DeviceBuffer buffer = device.allocate(floats.length, arena);
        device.upload(floats, 0, floats.length, buffer, 0);
        return buffer;
    }

    static float[] floats(int length, Random random) {
        return RandomWeights.activations(length, random);
    }

    /// Returns floats where a device reads them: as the bytes of a matrix, which [Device#hold] copies as they are.
    static MemorySegment held(Device device, Arena arena, float[] floats) {
        int cols = (floats.length + WeightMatrix.TILE_ROWS - 1) / WeightMatrix.TILE_ROWS;
        MemorySegment bytes =
                Arena.ofAuto().allocate(WeightMatrix.packedBytes(DType.F32, 1, cols), WeightMatrix.ALIGNMENT);
        MemorySegment.copy(floats, 0, bytes, ValueLayout.JAVA_FLOAT, 0, floats.length);
        WeightMatrix copy = device.hold(new WeightMatrix(DType.F32, 1, cols, bytes), arena);
        return copy.bytes().asSlice(0, (long) floats.length * Float.BYTES);
    }

    @Override
    public void close() {
        cuda.close();
        cpu.close();
        if (driver != null) {
            assertTrue(driver.leaks().isEmpty(), () -> driver.leaks().toString());
            driver.close();
        }
    }
}
