package io.moetier.lab.device;

/// The host's time beside a device that is not there, whose time is computed.
///
/// It goes on with the calls of the device and when something is waited for; what the processor computes
/// is added by whoever has it computed ([#processorNanos]); what the host does otherwise takes none.
public interface HostClock {
    /// Returns the nanoseconds since some point in time.
    double nanos();

    /// Sets the clock: ahead when something has been waited for, or to the time of another thread of the host, whose
    /// work is done now and which began it then.
    void set(double nanos);

    /// Returns how long the host's processor is said to take for experts of `bytes` together, each applied to about
    /// `rows` rows, in nanoseconds.
    double processorNanos(long bytes, int rows);

    /// Does work of another thread of the host when its time has come, also while the host waits for the device.
    ///
    /// @param errands are asked from the thread that computes, until they say that there are none
    void attend(HostErrands errands);
}
