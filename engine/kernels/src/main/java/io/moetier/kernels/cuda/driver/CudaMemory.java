package io.moetier.kernels.cuda.driver;

import java.util.Objects;
import org.lwjgl.PointerBuffer;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.MemoryStack;

/// A piece of device memory.
public final class CudaMemory implements AutoCloseable {
    private final long address;
    private final long byteSize;
    private boolean closed;

    private CudaMemory(long address, long byteSize) {
        this.address = address;
        this.byteSize = byteSize;
    }

    public static CudaMemory allocate(long byteSize) {
        return allocate(byteSize, "");
    }

    /// Allocates memory.
    ///
    /// @param purpose what it is for, which the exception names
    public static CudaMemory allocate(long byteSize, String purpose) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer address = stack.mallocPointer(1);
            int code = CU.cuMemAlloc(address, byteSize);
            if (code != CU.CUDA_SUCCESS) {
                String what = purpose.isEmpty() ? "" : " of " + purpose;
                throw Checked.failure(code, "cuMemAlloc", byteSize + " bytes" + what);
            }
            return new CudaMemory(address.get(0), byteSize);
        }
    }

    public long byteSize() {
        return byteSize;
    }

    /// Returns the device address of a range.
    ///
    /// @throws IndexOutOfBoundsException if it is not within this memory
    /// @throws IllegalStateException if this memory was given back
    public long address(long offset, long length) {
        if (closed) {
            throw new IllegalStateException("the device memory was given back");
        }
        Objects.checkFromIndexSize(offset, length, byteSize);
        return address + offset;
    }

    /// Gives the memory back, once all that uses it is done.
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Checked.check(CU.cuMemFree(address), "cuMemFree");
        }
    }
}
