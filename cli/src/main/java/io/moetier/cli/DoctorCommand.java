package io.moetier.cli;

import io.moetier.engine.session.PhysicalCores;
import io.moetier.storage.format.Json;
import java.util.concurrent.Callable;
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
        GpuDiagnosis gpus = GpuDiagnosis.of(device, surroundings.cacheDirectory());
        Diagnosis diagnosis = Diagnosis.of(surroundings.cacheDirectory(), PhysicalCores.threads(threads), keep);
        if (keep) {
            diagnosis.profile().ifPresent(new MachineFile(surroundings, streams)::keep);
        }
        streams.print(json ? Json.write(diagnosis.fields(gpus)) + "\n" : diagnosis.table(gpus));
        return Failure.OK;
    }
}
