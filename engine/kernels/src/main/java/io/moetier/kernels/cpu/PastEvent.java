package io.moetier.kernels.cpu;

import io.moetier.kernels.device.DeviceEvent;

/// An event of kernels that are done when they return: whenever it is recorded, it is reached.
final class PastEvent implements DeviceEvent {
    @Override
    public void record() {}

    @Override
    public void synchronize() {}

    @Override
    public void close() {}
}
