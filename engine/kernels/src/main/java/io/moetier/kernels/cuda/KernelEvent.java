package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaEvent;
import io.moetier.kernels.device.DeviceEvent;

/// An event behind the kernels of a device.
final class KernelEvent implements DeviceEvent {
    private final CudaDevice device;
    private final CudaEvent event;
    private volatile boolean recorded; // by the thread that computes, asked by those that copy

    KernelEvent(CudaDevice device) {
        this.device = device;
        device.enter();
        event = device.context().event();
    }

    @Override
    public void record() {
        device.enter();
        event.record(device.stream());
        recorded = true;
    }

    @Override
    public void synchronize() {
        if (recorded) {
            device.context().enter();
            event.synchronize();
        }
    }

    @Override
    public void close() {
        device.context().enter();
        event.close();
    }

    boolean isRecorded() {
        return recorded;
    }

    CudaEvent event() {
        return event;
    }
}
