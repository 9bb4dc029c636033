package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaContext;
import io.moetier.kernels.cuda.driver.CudaEvent;
import io.moetier.kernels.cuda.driver.CudaException;
import io.moetier.kernels.cuda.driver.CudaMemory;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.PinnedMemory;

/// How fast a device's memory and the link to it are, in bytes a second, measured by copies on the device's own clock.
///
/// @param toDevice from pinned memory
/// @param toHost to pinned memory
/// @param device reading and writing of device memory together
public record CudaBandwidth(double toDevice, double toHost, double device) {
    private static final long MOST_BYTES = 64L << 20;
    private static final int MEMORY_SHARE = 8;
    private static final int COPIES = 4;

    /// Measures a device whose context is current on this thread.
    ///
    /// @throws CudaException if not even a little memory is left
    public static CudaBandwidth measure(CudaContext context) {
        long bytes = Math.clamp(context.freeBytes() / MEMORY_SHARE, 1, MOST_BYTES);
        try (PinnedMemory host = context.pinned(bytes);
                CudaMemory first = context.allocate(bytes);
                CudaMemory second = context.allocate(bytes);
                CudaStream stream = context.stream();
                CudaEvent begin = context.timingEvent();
                CudaEvent end = context.timingEvent()) {
            host.segment().fill((byte) 1);
            double toDevice = rate(stream, begin, end, bytes, () -> stream.copyToDevice(first, 0, host.segment()));
            double toHost = rate(stream, begin, end, bytes, () -> stream.copyToHost(first, 0, host.segment()));
            double device = rate(stream, begin, end, 2 * bytes, () -> stream.copyOnDevice(second, 0, first, 0, bytes));
            return new CudaBandwidth(toDevice, toHost, device);
        }
    }

    private static double rate(CudaStream stream, CudaEvent begin, CudaEvent end, long bytes, Runnable copy) {
        copy.run(); // to warm up
        begin.record(stream);
        for (int i = 0; i < COPIES; i++) {
            copy.run();
        }
        end.record(stream);
        end.synchronize();
        return COPIES * bytes * 1e3 / end.millisSince(begin);
    }
}
