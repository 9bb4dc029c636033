package io.moetier.cli;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jline.reader.Candidate;
import org.jline.reader.Completer;
import org.jline.reader.LineReader;
import org.jline.reader.ParsedLine;

/// The commands of the prompt: what each is called, takes, says of itself and does.
///
/// @param settings the names that are completed behind `/set`
record PromptCommands(List<Entry> entries, List<String> settings) implements Completer {
    static final String SET = "/set";

    /// A command.
    ///
    /// @param argument what it takes, in the words of the help; empty if nothing
    /// @param help what the list says of it; empty if it is another name of one that is listed
    record Entry(String name, String argument, String help, Action action) {
        /// Does what the command says.
        ///
        /// @throws IllegalArgumentException if it takes nothing and is given something
        void run(String given) throws IOException {
            if (argument.isEmpty() && !given.isEmpty()) {
                throw new IllegalArgumentException(name + " takes nothing, found '" + given + "'");
            }
            action.run(given);
        }
    }

    /// What a command does with what was typed behind it.
    interface Action {
        void run(String given) throws IOException;
    }

    /// Returns the command of this name.
    Optional<Entry> find(String name) {
        return entries.stream().filter(entry -> entry.name().equals(name)).findFirst();
    }

    /// Returns a line for each command.
    String help() {
        return listed()
                .map(entry -> line(entry.name() + " " + entry.argument(), entry.help()))
                .collect(Collectors.joining());
    }

    private Stream<Entry> listed() {
        return entries.stream().filter(entry -> !entry.help().isEmpty());
    }

    /// Returns a line of the help.
    static String line(String what, String help) {
        return String.format("%-19s %s%n", what, help);
    }

    @Override
    public void complete(LineReader reader, ParsedLine line, List<Candidate> candidates) {
        if (line.wordIndex() == 0 && line.word().startsWith("/")) {
            listed().forEach(entry -> candidates.add(new Candidate(entry.name())));
        } else if (line.wordIndex() == 1 && line.words().getFirst().equals(SET)) {
            settings.forEach(name -> candidates.add(new Candidate(name)));
        }
    }
}
