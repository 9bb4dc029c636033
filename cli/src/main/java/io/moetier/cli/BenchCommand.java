package io.moetier.cli;

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
        throw new UnsupportedOperationException(surroundings.terminals() + streams.in());
    }
}
