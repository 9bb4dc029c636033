package io.moetier.cli.doctor;

import io.moetier.cli.option.DeviceChoice;
import io.moetier.cli.option.ModelOptions;
import io.moetier.cli.terminal.FactLines;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.lab.calibrate.Effort;
import io.moetier.runtime.session.PhysicalCores;
import io.moetier.storage.format.Json;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// Says what this machine offers, line by line as it is known.
@Command(
        name = "doctor",
        description = "Say what this machine offers: Java, kernels, cores, memory and how fast it is read, disk, GPUs.")
public final class DoctorCommand implements Callable<Integer> {
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
            description = "How often what decoding and prompts cost is measured; default: " + Effort.ROUNDS
                    + ". More even out what else the machine does.")
    @Nullable
    Integer rounds;

    @Option(names = "--quick", description = "Measure once and for a quarter of the time: a first look.")
    boolean quick;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    public DoctorCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        ModelOptions.requireThreads(threads);
        boolean keep = threads == 0; // else it is not what runs will do
        requireRounds(keep);
        Effort effort = effort();
        int computing = PhysicalCores.threads(threads);
        try (FactLines lines = new FactLines(streams, !json, surroundings.errorIsTerminal())) {
            Diagnosis fast = Diagnosis.of(surroundings.cacheDirectory(), computing, effort, lines);
            lines.measuring("GPUs");
            GpuDiagnosis gpus = GpuDiagnosis.of(device, surroundings);
            gpus.tell(lines);
            Diagnosis whole = keep
                    ? fast.withDecoding(computing, effort, lines) // takes longest
                    : fast.withoutDecoding(lines);
            MachineFile file = new MachineFile(surroundings, streams);
            if (keep && quick) {
                file.keepFirstLook(whole);
            } else if (keep) {
                file.keep(whole);
            }
            if (json) {
                streams.print(Json.write(whole.fields(gpus)) + "\n");
            }
        }
        return Failure.OK;
    }

    private Effort effort() {
        if (quick) {
            return Effort.QUICK;
        }
        return rounds == null ? Effort.DEFAULT : Effort.ofRounds(rounds);
    }

    private void requireRounds(boolean calibrates) {
        if (rounds != null && rounds < 1) {
            throw new IllegalArgumentException("--rounds must be 1 or more, not " + rounds);
        }
        if (rounds != null && !calibrates) {
            throw new IllegalArgumentException("--rounds is for what decoding costs, which --threads leaves out");
        }
        if (rounds != null && quick) {
            throw new IllegalArgumentException("--rounds does not go with --quick, which measures once");
        }
    }
}
