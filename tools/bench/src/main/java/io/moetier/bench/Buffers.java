package io.moetier.bench;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import java.util.Random;

/// Activations of the benchmarks.
final class Buffers {
    private Buffers() {}

    /// Returns a buffer of `length` normally distributed floats.
    static DeviceBuffer random(Device device, int length, Random random) {
        float[] floats = new float[length];
        for (int i = 0; i < length; i++) {
            floats[i] = (float) random.nextGaussian();
        }
        DeviceBuffer buffer = device.allocate(length);
        device.upload(floats, 0, length, buffer, 0);
        return buffer;
    }
}
