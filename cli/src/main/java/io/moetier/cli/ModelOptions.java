package io.moetier.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Which model is run, and how.
final class ModelOptions {
    @Parameters(
            index = "0",
            paramLabel = "MODEL",
            description = "A store (NAME.mtier), or a checkpoint directory, which is imported on first use.")
    Path model = Path.of("");

    @Option(
            names = "--ram",
            paramLabel = "SIZE",
            description = "Budget for experts in memory, such as 8M or 1.5G; default: what fits beside the rest.")
    @Nullable
    ByteSize ram;

    @Option(
            names = "--policy",
            paramLabel = "NAME",
            defaultValue = "lru",
            description =
                    "Which expert leaves when memory is full: lru, lfu, tinylfu or static; default: ${DEFAULT-VALUE}.")
    String policy = "lru";

    @Option(
            names = "--census",
            paramLabel = "FILE",
            description = "Routing trace whose most used experts stay in memory, for --policy static.")
    @Nullable
    Path census;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "Compute threads; default: one per physical core.")
    int threads;

    @Option(
            names = "--ctx",
            paramLabel = "N",
            defaultValue = "0",
            description = "Tokens that a conversation can hold; default: the model's own limit, at most 4096.")
    int contextLength;
}
