package io.moetier.kernels.device;

/// A place in the order of a device's kernels, which copies can wait for.
public interface DeviceEvent extends AutoCloseable {
    /// Puts the event behind all kernels called so far, by the thread that calls them.
    void record();

    /// Waits until its latest recording is reached; there is nothing to wait for before the first.
    void synchronize();

    @Override
    void close();
}
