package io.moetier.cli.doctor;

import io.moetier.cli.option.DeviceChoice;
import io.moetier.cli.terminal.FactLines;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.lab.calibrate.Effort;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.cost.PromptCosts;
import io.moetier.runtime.session.PhysicalCores;
import io.moetier.storage.format.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Supplier;

/// Where the machine's own profile is kept, which `doctor` measures and `tune` predicts with.
///
/// @param measurement what measures the machine anew, in the folder of `surroundings`
public record MachineFile(Surroundings surroundings, Streams streams, Supplier<Diagnosis> measurement) {
    public MachineFile(Surroundings surroundings, Streams streams) {
        this(surroundings, streams, () -> measure(surroundings, streams));
    }

    private static Diagnosis measure(Surroundings surroundings, Streams streams) {
        int threads = PhysicalCores.threads(0);
        try (FactLines lines = new FactLines(streams, false, surroundings.errorIsTerminal())) {
            return Diagnosis.of(surroundings.cacheDirectory(), threads, Effort.DEFAULT, lines)
                    .withDecoding(threads, Effort.DEFAULT, lines);
        }
    }

    public static Path in(Path cacheDirectory) {
        return cacheDirectory.resolve(MachineProfile.FILE_NAME);
    }

    /// Returns what a machine's disk gives, if that was measured.
    public static OptionalDouble diskBytesPerSecond(Path cacheDirectory) {
        return MachineProfile.kept(cacheDirectory)
                .map(MachineProfile::diskBytesPerSecond)
                .orElse(OptionalDouble.empty());
    }

    /// Measures a GPU of this machine.
    ///
    /// @param ordinal its number
    /// @throws IllegalArgumentException if it cannot be used, with the reason
    public MachineProfile gpu(int ordinal) {
        OptionalDouble memory =
                current().map(MachineProfile::hostBytesPerSecond).orElse(OptionalDouble.empty());
        return GpuDiagnosis.of(new DeviceChoice.Cuda(ordinal), surroundings).profile(memory);
    }

    /// Returns what prompts cost here, if that was measured.
    public Optional<PromptCosts> prompts() {
        Path file = in(surroundings.cacheDirectory());
        return Files.exists(file) ? PromptCosts.read(file) : Optional.empty();
    }

    /// Keeps what was measured, if it was measured whole; a cache folder that cannot be written is noted.
    void keep(Diagnosis diagnosis) {
        diagnosis.profileFields().ifPresent(this::keep);
    }

    /// Keeps what was measured in a hurry, unless this machine was measured before.
    void keepFirstLook(Diagnosis diagnosis) {
        Path cache = surroundings.cacheDirectory();
        if (MachineProfile.kept(cache).flatMap(MachineProfile::decodeCosts).isPresent()) {
            streams.note(
                    "what was measured before stays in " + in(cache) + "; doctor without --quick measures it anew");
        } else {
            keep(diagnosis);
        }
    }

    private void keep(Map<String, Object> fields) {
        try {
            OutputFile.write(in(surroundings.cacheDirectory()), "the cache folder", Json.writePretty(fields) + "\n");
        } catch (IOException | IllegalArgumentException e) {
            streams.note("moetier: " + Failure.of(e).sentence());
        }
    }

    /// Returns the profile that was kept; nothing if this machine was never measured. One of an earlier version
    /// lacks what speeds are predicted with now, so the machine is measured again; where that fails, its speeds
    /// still tell an upper bound.
    public Optional<MachineProfile> current() {
        Path file = in(surroundings.cacheDirectory());
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        MachineProfile kept = MachineProfile.read(file);
        if (kept.decodeCosts().isPresent()) {
            return Optional.of(kept);
        }
        streams.note("measuring this machine again, as doctor does: " + file + " is of an earlier version");
        Diagnosis diagnosis = measurement.get();
        Optional<MachineProfile> measured = diagnosis.profile();
        measured.ifPresentOrElse(
                _ -> keep(diagnosis),
                () -> streams.note("decoding " + diagnosis.decoding().remark()));
        return Optional.of(measured.orElse(kept));
    }
}
