package io.moetier.kernels.device;

/// Marks in the order of a device's kernels, and when it reached them.
///
/// Used by the thread that uses the device.
public interface DeviceMarks extends AutoCloseable {
    /// Sets a mark behind everything called so far.
    void set();

    /// Waits until all marks are reached and forgets them.
    ///
    /// @return when each was reached, in the order in which they were set: nanoseconds by the clock of
    ///     [System#nanoTime()], or by that of a device that is not there
    double[] take();

    @Override
    void close();
}
