package io.moetier.lab.device.simulated;

import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cuda.CudaDevice;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.DeviceEvent;
import io.moetier.kernels.device.DeviceMarks;
import io.moetier.kernels.device.DeviceStream;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.ProductSizes;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.lab.device.VirtualMarks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// The processor, which says that it is a GPU: experts are copied to slots of their own, in main memory, and time is
/// charged as the [io.moetier.kernels.cuda.CudaDevice] would call the driver.
///
/// What is set up before the first token takes no virtual time.
final class SimulatedDevice implements Device {
    private final GpuProfile gpu;
    private final SimulatedTime time;
    private final CpuDevice cpu;
    private final ActivationType activations;
    private final SimulatedKernels backend;
    private final Kernels kernels;
    private long heldBytes;

    SimulatedDevice(GpuProfile gpu, SimulatedTime time, CpuDevice cpu, ActivationType activations) {
        this.gpu = gpu;
        this.time = time;
        this.cpu = cpu;
        this.activations = activations;
        backend = new SimulatedKernels(cpu.kernels(), time, activations);
        kernels = new Kernels(backend);
    }

    @Override
    public String description() {
        return gpu.name() + " (simulated: its time only" + activations.remark() + "), computed by " + cpu.description();
    }

    @Override
    public ActivationType activations() {
        return activations;
    }

    @Override
    public DeviceBuffer allocate(int length) {
        return cpu.allocate(length);
    }

    @Override
    public DeviceBuffer allocate(int length, Arena arena) {
        return cpu.allocate(length, arena);
    }

    @Override
    @SuppressWarnings("MustBeClosedChecker") // the caller closes it
    public Arena newArena() {
        return cpu.newArena();
    }

    @Override
    public boolean readsMainMemory() {
        return false;
    }

    @Override
    public WeightMatrix hold(WeightMatrix matrix, Arena arena) {
        return new WeightMatrix(matrix.dtype(), matrix.rows(), matrix.cols(), hold(matrix.bytes(), arena));
    }

    @Override
    public MemorySegment hold(MemorySegment bytes, Arena arena) {
        heldBytes += bytes.byteSize();
        return arena.allocate(bytes.byteSize(), WeightMatrix.ALIGNMENT).copyFrom(bytes);
    }

    @Override
    public MemorySegment allocateSlab(long byteSize, Arena arena) {
        heldBytes += byteSize;
        return cpu.allocateSlab(byteSize, arena);
    }

    @Override
    public MemorySegment allocatePinned(long byteSize, Arena arena) {
        return cpu.allocatePinned(byteSize, arena);
    }

    /// Returns the memory of the GPU less weights and slots.
    @Override
    public long availableBytes() {
        return Math.max(0, gpu.vramBytes() - heldBytes);
    }

    @Override
    public DeviceStream newStream() {
        return new SimulatedStream(time);
    }

    @Override
    public DeviceEvent newEvent() {
        return new SimulatedEvent(time);
    }

    @Override
    public DeviceMarks newMarks() {
        return new VirtualMarks(time);
    }

    @Override
    public void upload(float[] src, int from, int n, DeviceBuffer dst, int at) {
        backend.flush();
        time.send((long) Float.BYTES * n);
        cpu.upload(src, from, n, dst, at);
    }

    @Override
    public void download(DeviceBuffer src, int from, int n, float[] dst, int at) {
        backend.flush();
        time.fetch((long) Float.BYTES * n);
        cpu.download(src, from, n, dst, at);
    }

    /// Returns what the processor keeps, and what the GPU would for what launches are told.
    @Override
    public long workingBytes() {
        return cpu.workingBytes() + CudaDevice.STAGING_BYTES;
    }

    @Override
    public long workingBytes(ProductSizes largest) {
        return CudaDevice.mostBytes(largest);
    }

    @Override
    public Kernels kernels() {
        return kernels;
    }

    @Override
    public void close() {
        cpu.close();
    }
}
