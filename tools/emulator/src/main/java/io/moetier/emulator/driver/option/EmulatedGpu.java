package io.moetier.emulator.driver.option;

import io.moetier.emulator.driver.clock.GpuProfile;

/// A device of the driver.
///
/// @param profile its speed and its abilities
/// @param vramBytes how much memory it has, which may be less than the profile's
public record EmulatedGpu(GpuProfile profile, long vramBytes) {
    public EmulatedGpu {
        if (vramBytes < 0) {
            throw new IllegalArgumentException("a GPU with " + vramBytes + " bytes of memory");
        }
    }

    /// Returns a device as the profile has it.
    public static EmulatedGpu of(GpuProfile profile) {
        return new EmulatedGpu(profile, profile.vramBytes());
    }
}
