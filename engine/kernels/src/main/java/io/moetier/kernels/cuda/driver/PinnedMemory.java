package io.moetier.kernels.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.lwjgl.PointerBuffer;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.MemoryStack;

/// Host memory that stays where it is, so that devices copy from and to it while the host goes on.
public final class PinnedMemory implements AutoCloseable {
    static final String ALLOCATION = "cuMemHostAlloc";

    private final MemorySegment segment;
    private final @Nullable Arena arena;
    private boolean closed;

    /// @param arena ends access to memory that the driver allocated; null if the memory is the caller's
    private PinnedMemory(MemorySegment segment, @Nullable Arena arena) {
        this.segment = segment;
        this.arena = arena;
    }

    // the size is the one that was allocated; the arena lives as long as the result, and closes with it
    @SuppressWarnings({"restricted", "MustBeClosedChecker"})
    static PinnedMemory allocate(long byteSize) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer address = stack.mallocPointer(1);
            int code = CU.cuMemHostAlloc(address, byteSize, 0);
            if (code != CU.CUDA_SUCCESS) {
                throw Checked.failure(code, ALLOCATION, byteSize + " bytes");
            }
            Arena arena = Arena.ofShared();
            return new PinnedMemory(MemorySegment.ofAddress(address.get(0)).reinterpret(byteSize, arena, null), arena);
        }
    }

    static PinnedMemory register(MemorySegment memory) {
        if (!memory.isNative()) {
            throw new IllegalArgumentException("memory of the heap cannot be pinned");
        }
        int code = CU.ncuMemHostRegister(memory.address(), memory.byteSize(), 0);
        if (code != CU.CUDA_SUCCESS) {
            throw Checked.failure(code, "cuMemHostRegister", memory.byteSize() + " bytes");
        }
        return new PinnedMemory(memory, null);
    }

    /// Returns the memory, which any thread may use until this is closed.
    public MemorySegment segment() {
        return segment;
    }

    /// Gives the memory back, or unpins it if it is the caller's, once all copies are done.
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (arena == null) {
            Checked.check(CU.ncuMemHostUnregister(segment.address()), "cuMemHostUnregister");
        } else {
            long address = segment.address();
            arena.close();
            Checked.check(CU.ncuMemFreeHost(address), "cuMemFreeHost");
        }
    }
}
