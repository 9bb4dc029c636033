package io.moetier.engine.device;

/// Opens the device that an engine computes on; the engine closes it.
@FunctionalInterface
public interface DeviceFactory {
    /// Opens the device.
    ///
    /// @throws IllegalArgumentException if it cannot be had, in a sentence for whoever asked for it
    Device open();
}
