package io.moetier.kernels.cuda.driver;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.lwjgl.PointerBuffer;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.MemoryStack;

/// The primary context of a device. It makes streams, events, modules and memory, which are closed before it.
///
/// It must be current on a thread that uses it or anything it made.
public final class CudaContext implements AutoCloseable {
    /// What the driver knows of each thread, so that it need not be told again: of the contexts of several devices, one
    /// is current. One process has one driver. It knows threads of the operating system: of a virtual thread, which
    /// another one may carry after every wait, nothing is known.
    private static final ThreadLocal<@Nullable CudaContext> CURRENT = new ThreadLocal<>();

    private final CudaDeviceInfo device;
    private final long handle;
    private boolean closed;

    CudaContext(CudaDeviceInfo device, long handle) {
        this.device = device;
        this.handle = handle;
    }

    public CudaDeviceInfo device() {
        return device;
    }

    /// Makes this context the current one of the calling thread.
    public void makeCurrent() {
        Checked.check(CU.cuCtxSetCurrent(handle), "cuCtxSetCurrent");
        CURRENT.set(this);
    }

    /// Makes this context the current one of the calling thread if it is not.
    public void enter() {
        if (CURRENT.get() != this || Thread.currentThread().isVirtual()) {
            makeCurrent();
        }
    }

    /// Does something that may make other contexts current; then the one that is current now is so again.
    public static void aside(Runnable action) {
        CudaContext before = CURRENT.get();
        action.run();
        if (before != null) {
            before.enter();
        }
    }

    /// Waits until all streams are idle.
    void synchronize() {
        Checked.check(CU.cuCtxSynchronize(), "cuCtxSynchronize");
    }

    /// Returns how much device memory can be had now.
    public long freeBytes() {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer free = stack.mallocPointer(1);
            PointerBuffer total = stack.mallocPointer(1);
            Checked.check(CU.cuMemGetInfo(free, total), "cuMemGetInfo");
            return free.get(0);
        }
    }

    /// Makes a stream that neither waits for the null stream nor lets it wait.
    public CudaStream stream() {
        return CudaStream.create();
    }

    /// Makes an event that takes no times, which is the cheaper kind.
    public CudaEvent event() {
        return CudaEvent.create(CU.CU_EVENT_DISABLE_TIMING);
    }

    /// Makes an event that takes times.
    public CudaEvent timingEvent() {
        return CudaEvent.create(CU.CU_EVENT_DEFAULT);
    }

    /// Loads PTX.
    ///
    /// @throws CudaException with what the driver's compiler has to say
    public CudaModule load(String ptx) {
        return CudaModule.load(ptx);
    }

    /// Allocates device memory, whose content is undefined.
    ///
    /// @throws CudaException that is out of memory
    public CudaMemory allocate(long byteSize) {
        return CudaMemory.allocate(byteSize);
    }

    /// Allocates pinned host memory, whose content is undefined.
    ///
    /// @throws CudaException that is out of memory
    public PinnedMemory pinned(long byteSize) {
        return PinnedMemory.allocate(byteSize);
    }

    /// Pins memory that there is already, until the result is closed; it must live longer.
    PinnedMemory pin(MemorySegment memory) {
        return PinnedMemory.register(memory);
    }

    /// Releases the context. What it made and is not closed yet is gone, too.
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            CURRENT.remove();
            try {
                leave();
            } finally {
                Checked.check(CU.cuDevicePrimaryCtxRelease(device.handle()), "cuDevicePrimaryCtxRelease");
            }
        }
    }

    /// A context that is released while it is current would be in the way of the next one.
    private void leave() {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer current = stack.mallocPointer(1);
            Checked.check(CU.cuCtxGetCurrent(current), "cuCtxGetCurrent");
            if (current.get(0) == handle) {
                Checked.check(CU.cuCtxPopCurrent(current), "cuCtxPopCurrent");
            }
        }
    }

    /// Returns the name of the context that functions of the driver take.
    long handle() {
        return handle;
    }
}
