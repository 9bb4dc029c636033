package io.moetier.kernels.cpu;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.cpu.products.ExpertProducts;
import io.moetier.kernels.cpu.products.ExpertsBeside;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.DeviceEvent;
import io.moetier.kernels.device.DeviceStream;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.ProductSizes;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.memory.AvailableMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;

/// The processor. Buffers are Java arrays; work is shared by a fixed number of threads.
public final class CpuDevice implements Device {
    private final WorkerPool pool;
    private final CpuKernels backend;
    private final Kernels kernels;
    private final String description;
    private final String code;

    private CpuDevice(int threads, KernelSelection selection, Optional<ActivationType> beside) {
        Arithmetic arithmetic = selection.arithmetic();
        this.pool = new WorkerPool(threads);
        this.backend = new CpuKernels(pool, arithmetic, beside);
        this.kernels = new Kernels(backend);
        this.description = "CPU, " + arithmetic.description() + ", " + threads + (threads == 1 ? " thread" : " threads")
                + selection.remark();
        this.code = arithmetic.code() + beside.map(type -> ", beside " + type).orElse("");
    }

    /// Starts a device, as the other method of this name, with native code in a temporary directory.
    public static CpuDevice open(int threads, KernelChoice choice) {
        return open(threads, choice, Optional.empty());
    }

    /// Starts a device.
    ///
    /// @param threads how many threads compute, the caller included; best is the number of physical cores
    /// @param nativeDirectory where native code is unpacked, for later starts to find; empty for a temporary place
    /// @throws IllegalArgumentException if `choice` asks for what cannot be used here
    public static CpuDevice open(int threads, KernelChoice choice, Optional<Path> nativeDirectory) {
        return new CpuDevice(threads, KernelSelection.of(choice, nativeDirectory), Optional.empty());
    }

    /// Starts a device that computes experts beside another one: it rounds activations of experts as that does, and
    /// to no less than float32 where that does not, whatever the weights. So it hardly matters which of the two
    /// computed an expert.
    ///
    /// @param threads as of the other methods, and so are the others
    /// @param activations of the other device
    public static CpuDevice openBeside(
            int threads, KernelChoice choice, Optional<Path> nativeDirectory, ActivationType activations) {
        return new CpuDevice(threads, KernelSelection.of(choice, nativeDirectory), Optional.of(activations));
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public String code() {
        return code;
    }

    @Override
    public DeviceBuffer allocate(int length) {
        pool.requireOpen();
        return new HeapBuffer(pool, length);
    }

    /// The buffer is an array, which goes when nobody knows it any more.
    @Override
    public DeviceBuffer allocate(int length, Arena arena) {
        return allocate(length);
    }

    @Override
    @SuppressWarnings("MustBeClosedChecker") // the caller closes it
    public Arena newArena() {
        return new LargePages(Arena.ofShared());
    }

    @Override
    public boolean readsMainMemory() {
        return true;
    }

    @Override
    public WeightMatrix hold(WeightMatrix matrix, Arena arena) {
        return matrix;
    }

    @Override
    public MemorySegment hold(MemorySegment bytes, Arena arena) {
        return bytes;
    }

    @Override
    public MemorySegment allocateSlab(long byteSize, Arena arena) {
        return AnonymousMemory.allocate(byteSize, arena);
    }

    @Override
    public MemorySegment allocatePinned(long byteSize, Arena arena) {
        return AnonymousMemory.allocate(byteSize, arena);
    }

    @Override
    public long availableBytes() {
        return AvailableMemory.bytes();
    }

    @Override
    public DeviceStream newStream() {
        return new MemoryStream();
    }

    @Override
    public DeviceEvent newEvent() {
        return new PastEvent();
    }

    @Override
    public void upload(float[] src, int from, int n, DeviceBuffer dst, int at) {
        pool.requireOpen();
        kernels.requireRoom(dst, at, n);
        System.arraycopy(src, from, ((HeapBuffer) dst).floats(), at, n);
    }

    @Override
    public void download(DeviceBuffer src, int from, int n, float[] dst, int at) {
        pool.requireOpen();
        kernels.requireRoom(src, from, n);
        System.arraycopy(((HeapBuffer) src).floats(), from, dst, at, n);
    }

    @Override
    public long workingBytes() {
        return backend.workingBytes();
    }

    /// Returns the most that kernels of any kind keep, so that a plan does not depend on the kind.
    @Override
    public long workingBytes(ProductSizes largest) {
        return PackedColumns.mostBytes(largest.columns())
                + ExpertProducts.mostBytes(largest.experts(), largest.hidden());
    }

    /// Returns the most that experts take which are computed beside a device ([#openBeside]).
    public static long mostBytesBeside(ProductSizes largest) {
        return ExpertsBeside.mostBytes(largest.experts(), largest.hidden());
    }

    @Override
    public Kernels kernels() {
        return kernels;
    }

    @Override
    public void close() {
        pool.close();
    }
}
