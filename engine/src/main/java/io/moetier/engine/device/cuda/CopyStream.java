package io.moetier.engine.device.cuda;

import io.moetier.engine.device.DeviceEvent;
import io.moetier.engine.device.DeviceStream;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Copies to a device on a stream of their own, whichever thread asks for them.
final class CopyStream implements DeviceStream {
    private final CudaContext context;
    private final CudaStream stream;
    private @Nullable Thread entered;

    /// @param context current on this thread
    CopyStream(CudaContext context) {
        this.context = context;
        stream = context.stream();
    }

    @Override
    public void copy(MemorySegment from, MemorySegment to) {
        enter();
        stream.copyToDevice(to.address(), from.address(), to.byteSize());
    }

    /// @param event of the same device
    @Override
    public void await(DeviceEvent event) {
        if (!(event instanceof KernelEvent own)) {
            throw new IllegalArgumentException("the event belongs to another device: " + event);
        }
        if (own.isRecorded()) {
            enter();
            stream.await(own.event());
        }
    }

    @Override
    public void synchronize() {
        enter();
        stream.synchronize();
    }

    private void enter() {
        Thread current = Thread.currentThread();
        if (entered != current) {
            context.makeCurrent();
            entered = current;
        }
    }

    @Override
    public void close() {
        enter();
        stream.close();
    }
}
