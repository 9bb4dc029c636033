package io.moetier.runtime.offload;

import io.moetier.kernels.device.DeviceFactory;

/// A device whose experts are loaded in a way of its own, such as one whose time is not the system's.
public interface DeviceWithLoaders extends DeviceFactory {
    /// Returns the loaders of the device that was opened, and of all devices of the same engine.
    Loaders loaders();
}
