package io.moetier.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// Checks every checksum of a store.
@Command(name = "verify", description = "Check every checksum of a store and name what is damaged.")
final class VerifyCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(paramLabel = "MODEL", description = "A store, or a checkpoint directory whose store is in the cache.")
    Path model = Path.of("");

    VerifyCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        throw new UnsupportedOperationException(surroundings.terminals() + streams.in());
    }
}
