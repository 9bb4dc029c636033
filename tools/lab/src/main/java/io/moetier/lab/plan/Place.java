package io.moetier.lab.plan;

import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.cost.PromptCosts;
import io.moetier.runtime.session.MemoryForecast.PlannedDevice;
import java.util.Optional;

/// Where a model would be computed.
///
/// @param name for people
/// @param machine how fast it is, if that is known
/// @param prompts what prompts cost there, if that was measured
/// @param device with memory of its own, if there is one
public record Place(
        String name, Optional<MachineProfile> machine, Optional<PromptCosts> prompts, Optional<PlannedDevice> device) {
    /// Returns the same place with a disk that is so many times as fast.
    Place withDisk(double factor) {
        return new Place(name, machine.map(of -> of.withDiskTimes(factor)), prompts, device);
    }
}
