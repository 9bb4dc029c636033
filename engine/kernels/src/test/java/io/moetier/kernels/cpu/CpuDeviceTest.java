package io.moetier.kernels.cpu;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceContract;

class CpuDeviceTest extends DeviceContract {
    @Override
    protected Device open() {
        return CpuDevice.open(2, KernelChoice.PLAIN);
    }

    @Override
    protected Class<? extends Throwable> ofNoMemory() {
        return OutOfMemoryError.class;
    }
}
