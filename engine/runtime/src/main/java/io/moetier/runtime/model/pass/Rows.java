package io.moetier.runtime.model.pass;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;

/// Rows of floats in a device's memory. Readable until whoever showed them goes on.
public final class Rows {
    private final Device device;
    private final DeviceBuffer buffer;
    private final int first;
    private final int count;
    private final int cols;

    Rows(Device device, DeviceBuffer buffer, int first, int count, int cols) {
        this.device = device;
        this.buffer = buffer;
        this.first = first;
        this.count = count;
        this.cols = cols;
    }

    /// Returns how many rows there are.
    public int count() {
        return count;
    }

    /// Returns a copy of one row.
    public float[] row(int index) {
        if (index < 0 || index >= count) {
            throw new IndexOutOfBoundsException("row " + index + " of " + count);
        }
        float[] row = new float[cols];
        device.download(buffer, Math.multiplyExact(first + index, cols), cols, row, 0);
        return row;
    }
}
