package io.moetier.cli;

import io.moetier.engine.session.EngineConfig;
import io.moetier.storage.format.Json;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Measures prompt processing and generation.
@Command(name = "bench", description = "Measure prompt processing and generation in tokens per second.")
final class BenchCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ModelOptions model = new ModelOptions();

    @Option(
            names = {"-p", "--n-prompt"},
            paramLabel = "N",
            defaultValue = "512",
            description = "Tokens of the prompt; 0: skip; default: ${DEFAULT-VALUE}.")
    int promptTokens;

    @Option(
            names = {"-n", "--n-gen"},
            paramLabel = "N",
            defaultValue = "128",
            description = "Tokens to generate; 0: skip; default: ${DEFAULT-VALUE}.")
    int generatedTokens;

    @Option(
            names = {"-r", "--repetitions"},
            paramLabel = "N",
            defaultValue = "5",
            description = "How often each is measured, after one run to warm up; default: ${DEFAULT-VALUE}.")
    int repetitions;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    BenchCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        require(repetitions >= 1, "-r must be 1 or more, not " + repetitions);
        require(promptTokens >= 0 && generatedTokens >= 0, "-p and -n must be 0 or more");
        require(promptTokens + generatedTokens > 0, "-p 0 and -n 0 leave nothing to measure");
        EngineConfig config = model.config();
        ProcessMemory before = ProcessMemory.now();
        Stores stores = new Stores(surroundings, streams);
        try (LoadedModel loaded = stores.load(model.model, config, false);
                Benchmark benchmark = new Benchmark(loaded, promptTokens, generatedTokens, before)) {
            benchmark.warmUp();
            for (int i = 0; i < repetitions; i++) {
                benchmark.measure();
            }
            streams.print(json ? Json.write(benchmark.fields()) + "\n" : benchmark.table());
        }
        return Failure.OK;
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
