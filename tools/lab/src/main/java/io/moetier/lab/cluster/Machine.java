package io.moetier.lab.cluster;

import io.moetier.lab.cost.MachineProfile;

/// A machine whose processor computes experts.
///
/// @param ramBytes that experts may take; what it has beyond them comes from its disk
/// @param speeds of its memory and its disk
public record Machine(String name, long ramBytes, MachineProfile speeds) {
    /// @throws IllegalArgumentException if it has less than no memory, or a device computes
    public Machine {
        if (ramBytes < 0 || speeds.hasDevice()) {
            throw new IllegalArgumentException(
                    name + ": expected a processor with memory for experts, found " + speeds + ", " + ramBytes);
        }
    }

    /// Returns a machine of which no more is known than how fast its kernels read experts from memory, and how fast
    /// they come from its disk.
    public static Machine ofSpeeds(String name, long ramBytes, double bytesPerSecond, double readBytesPerSecond) {
        return new Machine(
                name, ramBytes, MachineProfile.ofHost(name, bytesPerSecond, readBytesPerSecond, readBytesPerSecond, 0));
    }

    double memoryRate() {
        return speeds.hostBytesPerSecond().orElseThrow();
    }

    double diskRate() {
        return speeds.diskBytesPerSecond().orElseThrow();
    }
}
