package io.moetier.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Writes the logits of every position of a prompt.
@Command(name = "logits", description = "Write the float32 logits after every token of a prompt.")
final class LogitsCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ModelOptions model = new ModelOptions();

    @Mixin
    PromptOptions prompt = new PromptOptions();

    @Option(
            names = {"-o", "--out"},
            required = true,
            paramLabel = "FILE",
            description = "The safetensors file to write: tensor \"logits\" [tokens, vocabulary].")
    Path out = Path.of("");

    LogitsCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        throw new UnsupportedOperationException(surroundings.terminals() + streams.in());
    }
}
