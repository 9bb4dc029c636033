package io.moetier.kernels.cpu;

import io.moetier.kernels.cpu.pool.WorkerPool;
import io.moetier.kernels.device.DeviceBuffer;

/// Activations in a Java array, which the kernels index directly: far cheaper for the compiler than a segment.
final class HeapBuffer implements DeviceBuffer {
    private final WorkerPool owner;
    private final float[] floats;

    /// @param owner the threads of the device
    HeapBuffer(WorkerPool owner, int length) {
        this.owner = owner;
        this.floats = new float[length];
    }

    WorkerPool owner() {
        return owner;
    }

    float[] floats() {
        return floats;
    }

    @Override
    public int length() {
        return floats.length;
    }
}
