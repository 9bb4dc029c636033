package io.moetier.kernels.cuda.driver;

import java.lang.foreign.MemorySegment;
import org.lwjgl.cuda.CU;

/// A queue of commands, which the device does in order. Commands of different streams have no order but
/// what events give them.
///
/// Nothing is allocated per command.
public final class CudaStream implements AutoCloseable {
    private long handle;

    private CudaStream(long handle) {
        this.handle = handle;
    }

    static CudaStream create() {
        return new CudaStream(
                Checked.word(handle -> CU.cuStreamCreate(handle, CU.CU_STREAM_NON_BLOCKING), "cuStreamCreate"));
    }

    /// Copies host memory to the device. Pinned memory must stay as it is until the copy is done.
    ///
    /// @param offset of the first byte within `to`
    public void copyToDevice(CudaMemory to, long offset, MemorySegment from) {
        long address = to.address(offset, from.byteSize());
        Checked.check(CU.ncuMemcpyHtoDAsync(address, address(from), from.byteSize(), handle()), "cuMemcpyHtoDAsync");
    }

    /// Copies device memory to the host. Pinned memory must not be read before the copy is done.
    ///
    /// @param offset of the first byte within `from`
    public void copyToHost(CudaMemory from, long offset, MemorySegment to) {
        long address = from.address(offset, to.byteSize());
        Checked.check(CU.ncuMemcpyDtoHAsync(address(to), address, to.byteSize(), handle()), "cuMemcpyDtoHAsync");
    }

    /// Copies pinned memory to the device, both given by their addresses.
    public void copyToDevice(long to, long from, long byteSize) {
        Checked.check(CU.ncuMemcpyHtoDAsync(to, from, byteSize, handle()), "cuMemcpyHtoDAsync");
    }

    /// Copies device memory to pinned memory, both given by their addresses.
    public void copyToHost(long from, long to, long byteSize) {
        Checked.check(CU.ncuMemcpyDtoHAsync(to, from, byteSize, handle()), "cuMemcpyDtoHAsync");
    }

    /// Sets device memory to zeros.
    public void clear(long address, long byteSize) {
        Checked.check(CU.cuMemsetD8Async(address, (byte) 0, byteSize, handle()), "cuMemsetD8Async");
    }

    /// Copies within the device.
    public void copyOnDevice(CudaMemory to, long toOffset, CudaMemory from, long fromOffset, long byteSize) {
        long target = to.address(toOffset, byteSize);
        long source = from.address(fromOffset, byteSize);
        Checked.check(CU.cuMemcpyDtoDAsync(target, source, byteSize, handle()), "cuMemcpyDtoDAsync");
    }

    /// Writes the same byte many times.
    public void fill(CudaMemory memory, long offset, long byteSize, byte value) {
        long address = memory.address(offset, byteSize);
        Checked.check(CU.cuMemsetD8Async(address, value, byteSize, handle()), "cuMemsetD8Async");
    }

    /// Makes what comes later in this stream wait for the latest recording of an event.
    public void await(CudaEvent event) {
        Checked.check(CU.cuStreamWaitEvent(handle(), event.handle(), 0), "cuStreamWaitEvent");
    }

    /// Returns whether all commands so far are done.
    public boolean isIdle() {
        return Checked.isReady(CU.cuStreamQuery(handle()), "cuStreamQuery");
    }

    /// Waits until all commands so far are done.
    public void synchronize() {
        Checked.check(CU.cuStreamSynchronize(handle()), "cuStreamSynchronize");
    }

    /// Gives the stream back. What it was given is still done.
    @Override
    public void close() {
        if (handle != 0) {
            long last = handle;
            handle = 0;
            Checked.check(CU.cuStreamDestroy(last), "cuStreamDestroy");
        }
    }

    /// Returns the driver's name for the stream.
    ///
    /// @throws IllegalStateException if it is closed: to the driver, 0 is another stream
    public long handle() {
        if (handle == 0) {
            throw new IllegalStateException("the stream is closed");
        }
        return handle;
    }

    private static long address(MemorySegment memory) {
        if (!memory.isNative()) {
            throw new IllegalArgumentException("a device cannot reach memory of the heap");
        }
        return memory.address();
    }
}
