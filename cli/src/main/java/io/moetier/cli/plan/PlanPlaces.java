package io.moetier.cli.plan;

import io.moetier.cli.doctor.MachineFile;
import io.moetier.cli.option.DeviceChoice;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.cost.PromptCosts;
import io.moetier.lab.plan.Place;
import io.moetier.lab.plan.Place.Origin;
import io.moetier.runtime.session.MemoryForecast.PlannedDevice;
import io.moetier.storage.memory.ByteSize;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// Where a model would be computed: on the device that was named, else on this machine's processor.
///
/// @param vram what may be taken of the device's memory
record PlanPlaces(
        MachineFile machine,
        @Nullable String device,
        @Nullable ByteSize vram) {
    private static final String PROCESSOR = "CPU";
    private static final String COMPARED_GPU = "rtx3060";

    /// Returns the place that is meant.
    ///
    /// @throws IllegalArgumentException if there is no such device, or it is not known how much memory it has
    Place meant() {
        if (device == null) {
            if (vram != null) {
                throw new IllegalArgumentException("--vram is of a GPU: name one with --device");
            }
            return new Place(PROCESSOR, machine.current(), Origin.MEASURED, machine.prompts(), Optional.empty());
        }
        return named(device);
    }

    /// Returns a GPU that many have, to compare with; nothing where one was named.
    Optional<Place> compared() {
        return device == null
                ? MachineProfile.ofDevice(COMPARED_GPU).map(gpu -> onGpu(gpu, Origin.PUBLISHED, OptionalLong.empty()))
                : Optional.empty();
    }

    private Place named(String name) {
        Optional<MachineProfile> published = MachineProfile.ofDevice(name);
        Optional<MachineProfile> known = published.or(() -> ofThisMachine(name));
        boolean isFile = known.isEmpty() && Files.exists(Path.of(name));
        Origin origin = published.isPresent() ? Origin.PUBLISHED : isFile ? Origin.FILE : Origin.MEASURED;
        if (known.isEmpty() && !isFile) {
            throw new IllegalArgumentException("--device: expected a profile in a file, one of "
                    + String.join(", ", MachineProfile.deviceNames()) + ", or cuda:N, found '" + name + "'");
        }
        MachineProfile profile = known.orElseGet(() -> MachineProfile.read(Path.of(name)));
        if (profile.hasDevice()) {
            return onGpu(profile, origin, vram == null ? OptionalLong.empty() : OptionalLong.of(vram.bytes()));
        }
        if (vram != null) {
            throw new IllegalArgumentException("--vram is of a GPU, but " + profile.name() + " has none");
        }
        Optional<PromptCosts> prompts = isFile ? PromptCosts.read(Path.of(name)) : Optional.empty();
        return new Place(profile.name(), Optional.of(profile), origin, prompts, Optional.empty());
    }

    private Optional<MachineProfile> ofThisMachine(String name) {
        return name.matches("(?i)cuda(:\\d{1,4})?")
                        && DeviceChoice.parse(name) instanceof DeviceChoice.Cuda(int ordinal)
                ? Optional.of(machine.gpu(ordinal))
                : Optional.empty();
    }

    /// Returns a GPU, with this machine's disk below it if its profile has none.
    private Place onGpu(MachineProfile gpu, Origin origin, OptionalLong budget) {
        OptionalLong memory =
                gpu.device().map(MachineProfile.Device::memoryBytes).orElse(OptionalLong.empty());
        if (memory.isEmpty() && budget.isEmpty()) {
            throw new IllegalArgumentException("--device: the profile " + gpu.name()
                    + " does not say how much memory the device has (device_memory_bytes); give --vram");
        }
        long bytes = memory.orElseGet(budget::getAsLong);
        OptionalDouble disk = gpu.diskBytesPerSecond().isPresent()
                ? gpu.diskBytesPerSecond()
                : MachineFile.diskBytesPerSecond(machine.surroundings().cacheDirectory());
        return new Place(
                gpu.name(),
                Optional.of(gpu.withDisk(disk)),
                origin,
                Optional.empty(),
                Optional.of(new PlannedDevice(bytes, budget)));
    }
}
