package io.moetier.kernels.device;

/// Opens the device that an engine computes on; the engine closes it.
@FunctionalInterface
public interface DeviceFactory extends AutoCloseable {
    /// Opens the device.
    ///
    /// @throws IllegalArgumentException if it cannot be had, in a sentence for whoever asked for it
    Device open();

    /// Says whether nobody asked for this device, so that the processor computes where it cannot.
    default boolean isOptional() {
        return false;
    }

    /// Gives back what a device stood on, after it was closed: once for each [#open()], also for one that failed.
    @Override
    default void close() {}
}
