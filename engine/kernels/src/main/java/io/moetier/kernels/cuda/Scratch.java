package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaMemory;
import org.jspecify.annotations.Nullable;

/// Device memory for intermediate results, which grows to the largest launch seen.
final class Scratch implements AutoCloseable {
    private final CudaHeap heap;
    private @Nullable CudaMemory memory;

    Scratch(CudaHeap heap) {
        this.heap = heap;
    }

    /// Returns the address of `floats` floats, whose content is undefined; what it returned before is void.
    long reserve(long floats) {
        long byteSize = Math.max(1, floats) * Float.BYTES;
        if (memory == null || memory.byteSize() < byteSize) {
            close();
            memory = heap.allocate(byteSize, "intermediate results");
        }
        return memory.address(0, byteSize);
    }

    long byteSize() {
        return memory == null ? 0 : memory.byteSize();
    }

    /// Gives the memory back; the driver waits for the launches that use it.
    @Override
    public void close() {
        if (memory != null) {
            memory.close();
            memory = null;
        }
    }
}
