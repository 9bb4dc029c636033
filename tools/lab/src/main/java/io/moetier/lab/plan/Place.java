package io.moetier.lab.plan;

import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.cost.PromptCosts;
import io.moetier.runtime.session.MemoryForecast.PlannedDevice;
import java.util.Optional;

/// Where a model would be computed.
///
/// @param name for people
/// @param machine how fast it is, if that is known
/// @param origin where that is known from
/// @param prompts what prompts cost there, if that was measured
/// @param device with memory of its own, if there is one
public record Place(
        String name,
        Optional<MachineProfile> machine,
        Origin origin,
        Optional<PromptCosts> prompts,
        Optional<PlannedDevice> device) {
    /// Where the figures of a machine come from.
    public enum Origin {
        /// The machine itself, by this program.
        MEASURED,
        /// Figures that its maker published.
        PUBLISHED,
        /// A file that was named.
        FILE
    }

    /// Returns the same place with a disk that is so many times as fast.
    Place withDisk(double factor) {
        return new Place(name, machine.map(of -> of.withDiskTimes(factor)), origin, prompts, device);
    }
}
