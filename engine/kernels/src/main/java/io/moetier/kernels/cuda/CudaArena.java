package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaException;
import io.moetier.kernels.cuda.driver.CudaMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// Memory of a device as segments whose addresses are the device's.
///
/// Nothing but kernels and copies may touch what they hold: an access from Java, [MemorySegment#fill] included, ends
/// the process. Memory is zero when it is allocated, as that of any arena. Used by the thread that uses the device,
/// while nobody else does; it may be closed again after the device was.
final class CudaArena implements Arena {
    /// What the driver aligns allocations to.
    private static final long ALIGNMENT = 256;

    private final CudaDevice device;
    private final Arena scope = Arena.ofShared();
    private final List<CudaMemory> memory = new ArrayList<>();
    private boolean closed;

    CudaArena(CudaDevice device) {
        this.device = device;
    }

    CudaDevice device() {
        return device;
    }

    /// Returns zeros.
    ///
    /// @throws CudaException if the device has no memory left
    @Override
    public MemorySegment allocate(long byteSize, long byteAlignment) {
        MemorySegment segment = allocate(byteSize, byteAlignment, "a cache");
        device.stream().clear(segment.address(), Math.max(1, byteSize));
        return segment;
    }

    /// Returns memory whose content is undefined.
    ///
    /// @param purpose what it is for, which an exception names
    /// @throws IllegalStateException if the arena is closed
    @SuppressWarnings("restricted") // the size is the one that was allocated
    MemorySegment allocate(long byteSize, long byteAlignment, String purpose) {
        if (closed) {
            throw new IllegalStateException("the arena is closed");
        }
        device.enter();
        long room = Math.max(1, byteSize) + (byteAlignment > ALIGNMENT ? byteAlignment : 0);
        CudaMemory added = device.heap().allocate(room, purpose);
        memory.add(added);
        long address = (added.address(0, room) + byteAlignment - 1) / byteAlignment * byteAlignment;
        return MemorySegment.ofAddress(address).reinterpret(byteSize, scope, null);
    }

    @Override
    public MemorySegment.Scope scope() {
        return scope.scope();
    }

    /// Gives the memory back, once all launches so far are done. That of a device that is closed has gone with it.
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            try (scope) {
                if (!device.isClosed()) {
                    device.forget(this);
                    device.finish();
                    memory.forEach(CudaMemory::close);
                }
            }
        }
    }
}
