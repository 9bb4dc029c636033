package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaContext;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.device.DeviceEvent;
import io.moetier.kernels.device.DeviceStream;
import java.lang.foreign.MemorySegment;

/// Copies to a device on a stream of their own, whichever thread asks for them.
final class CopyStream implements DeviceStream {
    private final CudaContext context;
    private final CudaStream stream;

    /// @param context current on this thread
    CopyStream(CudaContext context) {
        this.context = context;
        stream = context.stream();
    }

    @Override
    public void copy(MemorySegment from, MemorySegment to) {
        context.enter();
        stream.copyToDevice(to.address(), from.address(), to.byteSize());
    }

    /// @param event of the same device
    @Override
    public void await(DeviceEvent event) {
        if (!(event instanceof KernelEvent own)) {
            throw new IllegalArgumentException("the event belongs to another device: " + event);
        }
        if (own.isRecorded()) {
            context.enter();
            stream.await(own.event());
        }
    }

    @Override
    public void synchronize() {
        context.enter();
        stream.synchronize();
    }

    @Override
    public void close() {
        context.enter();
        stream.close();
    }
}
