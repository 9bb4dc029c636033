package io.moetier.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Turns a checkpoint into a store.
@Command(name = "import", description = "Turn a checkpoint into a store that runs under a memory budget.")
final class ImportCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(
            paramLabel = "CHECKPOINT",
            description = "A Hugging Face directory with safetensors files, or one such file.")
    Path checkpoint = Path.of("");

    @Option(
            names = {"-o", "--out"},
            paramLabel = "NAME.mtier",
            description = "The store to make; default: the checkpoint's name in this directory.")
    @Nullable
    Path out;

    @Option(
            names = "--quant",
            paramLabel = "keep|q8_0",
            defaultValue = "keep",
            description = "Keep the weights as they are, or round them to 8 bits; default: ${DEFAULT-VALUE}.")
    String quantisation = "keep";

    @Option(names = "--force", description = "Replace a store of that name.")
    boolean force;

    ImportCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        throw new UnsupportedOperationException(surroundings.terminals() + streams.in());
    }
}
