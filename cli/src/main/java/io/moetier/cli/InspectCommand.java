package io.moetier.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Tells what a model is made of.
@Command(name = "inspect", description = "Show what a model is made of and what of it fits into memory.")
final class InspectCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(paramLabel = "MODEL", description = "A store or a checkpoint directory.")
    Path model = Path.of("");

    @Option(names = "--ram", paramLabel = "SIZE", description = "Show the tiers at this budget for experts in memory.")
    @Nullable
    ByteSize ram;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    InspectCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        throw new UnsupportedOperationException(surroundings.terminals() + streams.in());
    }
}
