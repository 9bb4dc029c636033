package io.moetier.cli;

import io.moetier.cli.terminal.Streams;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Shows the help of a command that is named as it is called, with as many words.
@Command(name = "help", description = "Show what a command does and what it takes.")
final class HelpCommand implements Runnable {
    private final Streams streams;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    CommandSpec spec;

    @Parameters(arity = "0..*", paramLabel = "COMMAND", description = "The command, as in help run.")
    List<String> words = List.of();

    HelpCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public void run() {
        CommandLine command = spec.commandLine().getParent();
        for (String word : words) {
            CommandLine next = command.getSubcommands().get(word);
            if (next == null) {
                throw new ParameterException(command, Misuse.unknownWord(command.getCommandSpec(), word));
            }
            command = next;
        }
        command.usage(streams.out());
    }
}
