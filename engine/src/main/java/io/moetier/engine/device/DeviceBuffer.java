package io.moetier.engine.device;

/// Float32 activations in the memory of the [Device] that allocated them; they live as long as the device does.
public interface DeviceBuffer {
    /// Returns how many floats the buffer holds.
    int length();
}
