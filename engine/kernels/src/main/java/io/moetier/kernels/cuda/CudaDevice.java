package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaContext;
import io.moetier.kernels.cuda.driver.CudaDeviceInfo;
import io.moetier.kernels.cuda.driver.CudaDriver;
import io.moetier.kernels.cuda.driver.CudaException;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.cuda.driver.PinnedMemory;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.DeviceEvent;
import io.moetier.kernels.device.DeviceMarks;
import io.moetier.kernels.device.DeviceStream;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.MemoryRelief;
import io.moetier.kernels.device.Owned;
import io.moetier.kernels.device.ProductSizes;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// A CUDA device that computes: its primary context, one stream for all launches, and the kernels.
///
/// Launches return before they are done; only [#download] waits. What treats every token by itself is launched with
/// what follows it. Used by one thread at a time, not always the same.
///
/// Results are the same bits for a row alone and in a batch, and whatever experts are computed together; where
/// activations are rounded, for a row in batches of [ActivationType#LEAST_ROWS] rows and more, and in smaller ones.
public final class CudaDevice implements Device {
    /// The bytes of its memory that a device takes for what launches are told, whatever the model.
    public static final long STAGING_BYTES = Staging.DEVICE_BYTES;

    /// The oldest processors that the PTX is for.
    private static final int LEAST_CAPABILITY = 61;

    /// The oldest driver that reads PTX 6.0, as the driver counts versions.
    private static final int LEAST_DRIVER = 9_000;

    private final CudaContext context;
    private final ActivationType activations;
    private final Owned owned;
    private final CudaHeap heap = new CudaHeap();
    private final Arena arena = Arena.ofShared();
    private final CudaStream stream;
    private final KernelModules modules;
    private final Staging staging;
    private final Set<CudaArena> arenas = new LinkedHashSet<>();
    private final CudaArena own = open();
    private final CudaKernels backend;
    private final Kernels kernels;
    private boolean closed;

    private CudaDevice(CudaContext context, ActivationType activations, Owned owned) {
        this.context = context;
        this.activations = activations;
        this.owned = owned;
        owned.add(arena::close);
        modules = new KernelModules(context, owned);
        stream = context.stream();
        owned.add(stream::close);
        staging = new Staging(context, stream);
        owned.add(staging::close);
        TokenProgram program = new TokenProgram(stream, modules.eachToken, staging, new ParameterBlock(arena));
        backend = new CudaKernels(this, stream, modules, staging, new ParameterBlock(arena), program, activations);
        owned.add(backend::close);
        kernels = new Kernels(backend);
    }

    /// Returns what speaks against computing on a device: that there is none of that number, or that it or the driver
    /// is too old.
    public static Optional<String> objection(CudaDriver driver, int ordinal) {
        int count = driver.deviceCount();
        if (ordinal >= count) {
            return Optional.of("there is no GPU " + ordinal + "; there "
                    + (count == 1 ? "is one, number 0" : "are " + count + ", numbered from 0"));
        }
        if (driver.version() < LEAST_DRIVER) {
            return Optional.of("the NVIDIA driver is for CUDA " + cudaVersion(driver.version())
                    + ", but the kernels need " + cudaVersion(LEAST_DRIVER) + "; a newer driver helps");
        }
        CudaDeviceInfo info = driver.device(ordinal);
        if (info.computeCapability() < LEAST_CAPABILITY) {
            return Optional.of(info.name() + " has compute capability " + capability(info.computeCapability())
                    + ", but the kernels need " + capability(LEAST_CAPABILITY));
        }
        return Optional.empty();
    }

    private static String cudaVersion(int number) {
        return number / 1000 + "." + number % 1000 / 10;
    }

    /// Opens a device and loads the kernels that all models need.
    ///
    /// @throws IllegalArgumentException if there is none of that number, or its processor is too old
    /// @throws CudaException if the driver does not take the kernels, or there is no memory
    public static CudaDevice open(CudaDriver driver, int ordinal) {
        return open(driver, ordinal, ActivationType.F32);
    }

    /// Opens a device as the other method of this name.
    ///
    /// @param activations what quantised weights are multiplied by
    public static CudaDevice open(CudaDriver driver, int ordinal, ActivationType activations) {
        objection(driver, ordinal).ifPresent(reason -> {
            throw new IllegalArgumentException(reason);
        });
        CudaContext context = driver.open(ordinal);
        Owned owned = new Owned();
        owned.add(context::close);
        try {
            return new CudaDevice(context, activations, owned);
        } catch (RuntimeException e) {
            try (owned) {
                throw e;
            }
        }
    }

    private static String capability(int number) {
        return number / 10 + "." + number % 10;
    }

    /// Returns the context, in which others make streams and events of their own.
    public CudaContext context() {
        return context;
    }

    /// Returns the stream of all launches. An event that is recorded in it comes after every product, attention and
    /// expert so far.
    public CudaStream stream() {
        return stream;
    }

    @Override
    public String description() {
        CudaDeviceInfo info = context.device();
        return String.format(
                Locale.ROOT,
                "CUDA, %s, %.1f GiB, compute capability %s%s",
                info.name(),
                info.memoryBytes() / (double) (1 << 30),
                capability(info.computeCapability()),
                activations.remark());
    }

    @Override
    public ActivationType activations() {
        return activations;
    }

    /// @throws CudaException if the driver does not take the kernels, or there is no memory
    @Override
    public void prepare(Set<DType> types) {
        enter();
        types.forEach(type -> modules.prepare(type, activations));
    }

    /// @throws CudaException if the device has no memory left
    @Override
    public DeviceBuffer allocate(int length) {
        return allocate(length, own);
    }

    /// @throws CudaException if the device has no memory left
    @Override
    public DeviceBuffer allocate(int length, Arena owner) {
        enter();
        long byteSize = (long) length * Float.BYTES;
        MemorySegment memory = mine(owner).allocate(byteSize, Float.BYTES, "activations");
        stream.clear(memory.address(), Math.max(1, byteSize));
        return new CudaBuffer(this, memory.address(), length);
    }

    private CudaArena mine(Arena owner) {
        if (owner instanceof CudaArena cuda && cuda.device() == this) {
            return cuda;
        }
        throw new IllegalArgumentException("the arena belongs to another device: " + owner);
    }

    @Override
    public void upload(float[] src, int from, int n, DeviceBuffer dst, int at) {
        enter();
        kernels.requireRoom(dst, at, n);
        backend.flush();
        staging.upload(src, from, n, ((CudaBuffer) dst).address(at));
    }

    @Override
    public void download(DeviceBuffer src, int from, int n, float[] dst, int at) {
        enter();
        kernels.requireRoom(src, from, n);
        backend.flush();
        staging.download(((CudaBuffer) src).address(from), dst, at, n);
    }

    @Override
    public Arena newArena() {
        return open();
    }

    private CudaArena open() {
        CudaArena added = new CudaArena(this);
        arenas.add(added);
        return added;
    }

    @Override
    public boolean readsMainMemory() {
        return false;
    }

    /// @throws CudaException if the device has no memory left
    @Override
    public WeightMatrix hold(WeightMatrix matrix, Arena owner) {
        return new WeightMatrix(matrix.dtype(), matrix.rows(), matrix.cols(), hold(matrix.bytes(), owner));
    }

    /// @throws CudaException if the device has no memory left
    @Override
    public MemorySegment hold(MemorySegment bytes, Arena owner) {
        MemorySegment copy = mine(owner).allocate(bytes.byteSize(), WeightMatrix.ALIGNMENT, "weights");
        staging.upload(bytes, copy.address());
        return copy;
    }

    /// @throws CudaException if the device has no memory left
    @Override
    public MemorySegment allocateSlab(long byteSize, Arena owner) {
        return mine(owner).allocate(byteSize, WeightMatrix.ALIGNMENT, "slots for experts");
    }

    /// @throws CudaException if no more memory can be pinned
    @Override
    @SuppressWarnings("restricted") // the size is the one that was allocated
    public MemorySegment allocatePinned(long byteSize, Arena owner) {
        enter();
        PinnedMemory pinned = context.pinned(byteSize);
        return pinned.segment().reinterpret(owner, _ -> {
            context.makeCurrent();
            pinned.close();
        });
    }

    /// Giving back may wait, after which the context need not be current any more.
    @Override
    public void relieveWith(MemoryRelief relief) {
        heap.relieveWith(byteSize -> {
            boolean gaveBack = relief.giveBack(byteSize);
            context.enter();
            return gaveBack;
        });
    }

    /// Returns where memory of the device comes from.
    CudaHeap heap() {
        return heap;
    }

    @Override
    public long availableBytes() {
        enter();
        return context.freeBytes();
    }

    @Override
    public DeviceStream newStream() {
        enter();
        return new CopyStream(context);
    }

    @Override
    public DeviceEvent newEvent() {
        return new KernelEvent(this);
    }

    @Override
    public DeviceMarks newMarks() {
        return new CudaMarks(this);
    }

    /// Forgets an arena that was closed.
    void forget(CudaArena closedArena) {
        arenas.remove(closedArena);
    }

    boolean isClosed() {
        return closed;
    }

    @Override
    public long workingBytes() {
        return backend.workingBytes() + staging.deviceBytes();
    }

    @Override
    public long workingBytes(ProductSizes largest) {
        return mostBytes(largest);
    }

    /// Returns the most bytes of a device that products keep: what experts have between gate and down, and activations
    /// that were rounded.
    public static long mostBytes(ProductSizes largest) {
        return Float.BYTES * (largest.hidden() + Math.max(largest.columns(), largest.hidden()));
    }

    @Override
    public Kernels kernels() {
        return kernels;
    }

    /// Makes the context current on this thread if it is not.
    ///
    /// @throws IllegalStateException if the device is closed
    void enter() {
        if (closed) {
            throw new IllegalStateException("the device is closed");
        }
        context.enter();
    }

    /// Launches what was collected and waits until everything is done. What is collected when memory is given back in
    /// the middle of an operation may be unfinished, and reads nothing of that.
    void finish() {
        if (!closed) {
            enter();
            if (!heap.isRelieving()) {
                backend.flush();
            }
            stream.synchronize();
        }
    }

    /// Of a device that is lost nothing can be given back but its context, with which everything goes.
    @Override
    public void close() {
        if (closed) {
            return;
        }
        try (owned) {
            finish();
            List.copyOf(arenas).forEach(CudaArena::close);
        } finally {
            closed = true;
        }
    }
}
