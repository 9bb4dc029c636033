package io.moetier.lab.device;

import io.moetier.runtime.offload.DeviceWithLoaders;

/// A GPU that is not there, and what it would take.
public interface VirtualDevice extends DeviceWithLoaders {
    /// Returns how it computes, in words before [#gpu()]: "an emulated".
    String kind();

    /// Returns what GPUs call it: the id of its profile.
    String gpu();

    /// Returns the host's virtual time since it was opened first.
    double virtualNanos();

    /// Makes marks in virtual time; one at a time, to be closed before the device.
    VirtualMarks newMarks();
}
