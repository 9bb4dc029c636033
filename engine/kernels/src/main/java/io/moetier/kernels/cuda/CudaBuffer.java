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

    /// Returns a buffer of this device that must hold at least `least` floats.
    ///
    /// @throws IllegalArgumentException if the buffer is smaller or belongs to another device
    static CudaBuffer of(CudaDevice device, DeviceBuffer buffer, long least) {
        if (!(buffer instanceof CudaBuffer own) || own.device != device) {
            throw new IllegalArgumentException("the buffer belongs to another device: " + buffer);
        }
        if (own.length < least) {
            throw new IllegalArgumentException(
                    "the buffer holds " + own.length + " floats, but " + least + " are needed");
        }
        return own;
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
