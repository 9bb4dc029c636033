package io.moetier.kernels.cpu;

import io.moetier.kernels.device.DeviceBuffer;

/// Activations in a Java array, which the kernels index directly: far cheaper for the compiler than a segment.
final class HeapBuffer implements DeviceBuffer {
    private final float[] floats;

    HeapBuffer(int length) {
        this.floats = new float[length];
    }

    /// Returns the array of a buffer that must hold at least `least` floats.
    ///
    /// @throws IllegalArgumentException if the buffer is smaller or belongs to another device
    static float[] floats(DeviceBuffer buffer, long least) {
        if (!(buffer instanceof HeapBuffer heap)) {
            throw new IllegalArgumentException("the buffer belongs to another device: " + buffer);
        }
        if (heap.floats.length < least) {
            throw new IllegalArgumentException(
                    "the buffer holds " + heap.floats.length + " floats, but " + least + " are needed");
        }
        return heap.floats;
    }

    @Override
    public int length() {
        return floats.length;
    }
}
