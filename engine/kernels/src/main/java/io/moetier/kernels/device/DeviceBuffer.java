package io.moetier.kernels.device;

/// Float32 activations in the memory of the [Device] that allocated them; they live as
/// long as the arena they were allocated with, or else as the device.
public interface DeviceBuffer {
    /// Returns how many floats the buffer holds.
    int length();
}
