package io.moetier.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// The main command.
@Command(
        name = "moetier",
        mixinStandardHelpOptions = true,
        description = "Runs Mixture-of-Experts language models that are larger than memory.")
public final class Moetier {
    /// Runs one command and exits.
    public static void main(String[] args) {
        System.exit(execute(args));
    }
    static int execute(String... args) { return new CommandLine(new Moetier()).execute(args); }
}
