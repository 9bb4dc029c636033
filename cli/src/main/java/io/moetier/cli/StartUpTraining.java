package io.moetier.cli;

import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.storage.memory.AvailableMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/// Runs what every start does, once, so that the JVM can keep what it learnt of it in the launcher's AOT cache.
///
/// Tokens are computed by the native kernels alone: the module of the vector kernels comes in after the start, so that
/// they cannot be part of the cache.
final class StartUpTraining {
    /// What the JVM takes to make a cache of all this. With less it reads its own files over and over, for minutes.
    private static final long NEEDED_BYTES = 512L << 20;

    private StartUpTraining() {}

    /// Runs `--help`, looks at the model that is the first argument, imports it to the second, and runs it twice; then
    /// imports a GGUF file. Where memory is short it runs nothing, so that there is little to keep.
    public static void main(String[] args) throws IOException {
        if (AvailableMemory.bytes() < NEEDED_BYTES) {
            return;
        }
        Path cache = Path.of(args[1]).resolveSibling("launcher-training.cache");
        Surroundings surroundings = new Surroundings(Map.of("MOETIER_CACHE", cache.toString()), Path.of(""), "");
        Streams streams = Streams.ofProcess();
        Moetier.execute(surroundings, streams, "--help");
        Moetier.execute(surroundings, streams, "inspect", args[0]);
        // All options of the command that is used most; it ends where it finds this one impossible.
        Moetier.execute(surroundings, streams, "run", args[0], "--ctx", "-1", "Once");
        // What an import is made of takes long to load and to compile: Chronicle Map first of all.
        Moetier.execute(surroundings, streams, "import", args[0], "--out", args[1], "--force");
        // The first finds nothing but the model, and the second what the first has kept of it. Without native kernels
        // both end at once.
        for (int run = 0; run < 2; run++) {
            Moetier.begin(surroundings, streams, "run", args[0], "--kernels", "native", "-n", "4", "Once upon a time");
        }
        Path gguf = Path.of(args[1]).resolveSibling("launcher-training.gguf");
        TrainingModel.write(gguf);
        Moetier.execute(surroundings, streams, "import", gguf.toString(), "--out", args[1], "--force");
    }
}
