package io.moetier.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.moetier.kernels.cuda.driver.CudaContext;
import io.moetier.kernels.cuda.driver.CudaEvent;
import io.moetier.kernels.cuda.driver.CudaMemory;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.PinnedMemory;
import io.moetier.kernels.device.Owned;
import java.lang.foreign.MemorySegment;

/// Pinned memory through which everything goes to the device and comes back, and memory of the device for what a kernel
/// reads once: row lists, factors, tables of tasks.
///
/// Both are rings of two halves. The host writes to a half again only once the copies that were taken from it are done;
/// on the device, the order of the stream keeps a new copy behind the kernels that read the old one. What was staged is
/// therefore valid for the launches that follow at once.
final class Staging implements AutoCloseable {
    private static final long HALF_BYTES = 2 << 20;
    static final long DEVICE_BYTES = 2 * HALF_BYTES;
    private static final long ALIGNMENT = 16;

    private final Owned owned = new Owned();
    private final CudaStream stream;
    private final PinnedMemory pinned;
    private final MemorySegment host;
    private final CudaMemory device;
    private final CudaEvent[] copied; // of each half: its latest copy
    private final PinnedMemory returned; // what comes back
    private int half;
    private long at;

    Staging(CudaContext context, CudaStream stream) {
        this.stream = stream;
        try {
            pinned = context.pinned(2 * HALF_BYTES);
            owned.add(pinned::close);
            host = pinned.segment();
            device = CudaMemory.allocate(DEVICE_BYTES, "staging");
            owned.add(device::close);
            copied = new CudaEvent[] {event(context), event(context)};
            returned = context.pinned(HALF_BYTES);
            owned.add(returned::close);
        } catch (RuntimeException e) {
            try (owned) {
                throw e;
            }
        }
    }

    private CudaEvent event(CudaContext context) {
        CudaEvent event = context.event();
        owned.add(event::close);
        return event;
    }

    /// Returns the host's side of the ring, which [#reserve] gives offsets into.
    MemorySegment host() {
        return host;
    }

    /// Returns the offset of `byteSize` free bytes, for [#send].
    ///
    /// @throws IllegalArgumentException if they are more than fit
    long reserve(long byteSize) {
        if (byteSize > HALF_BYTES) {
            throw new IllegalArgumentException(
                    byteSize + " bytes for one launch, but at most " + HALF_BYTES + " can be staged");
        }
        if (at + byteSize > HALF_BYTES) {
            copied[half].record(stream);
            half = 1 - half;
            at = 0;
            copied[half].synchronize();
        }
        long offset = half * HALF_BYTES + at;
        at += (byteSize + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        return offset;
    }

    /// Copies what was written to `byteSize` bytes at `offset`, and returns where they are on the device.
    long send(long offset, long byteSize) {
        long to = device.address(offset, byteSize);
        stream.copyToDevice(to, host.address() + offset, byteSize);
        return to;
    }

    /// Returns where `n` numbers are on the device.
    long send(int[] numbers, int from, int n) {
        long byteSize = (long) n * Integer.BYTES;
        long offset = reserve(byteSize);
        MemorySegment.copy(numbers, from, host, JAVA_INT, offset, n);
        return send(offset, byteSize);
    }

    /// Returns where `n` numbers are on the device.
    long send(float[] numbers, int from, int n) {
        long byteSize = (long) n * Float.BYTES;
        long offset = reserve(byteSize);
        MemorySegment.copy(numbers, from, host, JAVA_FLOAT, offset, n);
        return send(offset, byteSize);
    }

    /// Copies host memory to the device at `to`, in pieces. The memory may change afterwards.
    void upload(MemorySegment from, long to) {
        for (long done = 0; done < from.byteSize(); ) {
            long piece = Math.min(HALF_BYTES, from.byteSize() - done);
            long offset = reserve(piece);
            MemorySegment.copy(from, JAVA_BYTE, done, host, JAVA_BYTE, offset, piece);
            stream.copyToDevice(to + done, host.address() + offset, piece);
            done += piece;
        }
    }

    /// Copies floats to the device at `to`, in pieces.
    void upload(float[] from, int first, int n, long to) {
        int most = (int) (HALF_BYTES / Float.BYTES);
        for (int done = 0; done < n; done += most) {
            int piece = Math.min(most, n - done);
            long byteSize = (long) piece * Float.BYTES;
            long offset = reserve(byteSize);
            MemorySegment.copy(from, first + done, host, JAVA_FLOAT, offset, piece);
            stream.copyToDevice(to + (long) done * Float.BYTES, host.address() + offset, byteSize);
        }
    }

    /// Copies floats from the device at `from`; returns when they have arrived.
    void download(long from, float[] to, int first, int n) {
        int most = (int) (HALF_BYTES / Float.BYTES);
        for (int done = 0; done < n; done += most) {
            int piece = Math.min(most, n - done);
            MemorySegment bytes = download(from + (long) done * Float.BYTES, (long) piece * Float.BYTES);
            MemorySegment.copy(bytes, JAVA_FLOAT, 0, to, first + done, piece);
        }
    }

    /// Copies bytes from the device at `from`, no more than a half; returns them when they have arrived, valid until
    /// the next download.
    MemorySegment download(long from, long byteSize) {
        stream.copyToHost(from, returned.segment().address(), byteSize);
        stream.synchronize();
        return returned.segment();
    }

    /// Returns the bytes on the device.
    long deviceBytes() {
        return device.byteSize();
    }

    @Override
    public void close() {
        returned.close();
        copied[0].close();
        copied[1].close();
        device.close();
        pinned.close();
    }
}
