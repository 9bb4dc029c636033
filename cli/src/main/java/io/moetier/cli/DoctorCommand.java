package io.moetier.cli;

import io.moetier.engine.session.PhysicalCores;
import io.moetier.storage.format.Json;
import io.moetier.tools.calibrate.Calibration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// Says what this machine offers.
@Command(
        name = "doctor",
        description = "Say what this machine offers: Java, kernels, cores, memory and how fast it is read, disk, GPUs.")
final class DoctorCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description =
                    "Threads that read memory; default: one per physical core, for which alone tune keeps the figures.")
    int threads;

    @Option(
            names = "--device",
            paramLabel = "cpu|cuda[:N]|emulated[:GPU]|auto",
            description = "Which GPU is measured; default: all there are.")
    DeviceChoice device = new DeviceChoice.Auto();

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description = "How often what decoding costs is measured; default: " + Calibration.ROUNDS
                    + ". More even out what else the machine does.")
    @Nullable
    Integer rounds;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    DoctorCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        ModelOptions.requireThreads(threads);
        boolean keep = threads == 0; // else it is not what runs will do
        requireRounds(keep);
        GpuDiagnosis gpus = GpuDiagnosis.of(device, surroundings);
        int measured = rounds == null ? Calibration.ROUNDS : rounds;
        Diagnosis diagnosis =
                Diagnosis.of(surroundings.cacheDirectory(), PhysicalCores.threads(threads), keep ? measured : 0);
        if (keep) {
            diagnosis.profile().ifPresent(new MachineFile(surroundings, streams)::keep);
        }
        streams.print(json ? Json.write(diagnosis.fields(gpus)) + "\n" : diagnosis.table(gpus));
        return Failure.OK;
    }

    private void requireRounds(boolean calibrates) {
        if (rounds != null && rounds < 1) {
            throw new IllegalArgumentException("--rounds must be 1 or more, not " + rounds);
        }
        if (rounds != null && !calibrates) {
            throw new IllegalArgumentException("--rounds is for what decoding costs, which --threads leaves out");
        }
    }
}
