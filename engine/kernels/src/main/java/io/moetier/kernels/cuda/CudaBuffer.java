package io.moetier.kernels.cuda;

import io.moetier.kernels.device.DeviceBuffer;

/// Activations in the memory of a [CudaDevice].
final class CudaBuffer implements DeviceBuffer {
    private final CudaDevice device;
    private final long address;
    private final int length;

    CudaBuffer(CudaDevice device, long address, int length) {
        this.device = device;
        this.address = address;
        this.length = length;
    }

    CudaDevice device() {
        return device;
    }

    /// Returns where float `index` is on the device.
    long address(long index) {
        return address + Float.BYTES * index;
    }

    @Override
    public int length() {
        return length;
    }
}
