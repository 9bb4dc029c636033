package io.moetier.cli.run;

import java.io.IOException;

/// A command of the prompt.
///
/// @param argument what it takes, in the words of the help; empty if nothing
/// @param help what the list says of it; empty if it is another name of one that is listed
/// @param action what it does
record PromptCommand(String name, String argument, String help, Action action) {
    /// Does something with what was typed behind the command, and returns the lines to show.
    interface Action {
        String run(String given) throws IOException;
    }

    /// Returns a line of the help.
    static String line(String what, String help) {
        return String.format("%-19s %s\n", what, help);
    }

    /// Returns this command's line of the help.
    String line() {
        return line((name + " " + argument).strip(), help);
    }

    /// Does what the command says, and returns the lines to show.
    ///
    /// @throws IllegalArgumentException if it takes nothing and is given something
    String run(String given) throws IOException {
        if (argument.isEmpty() && !given.isEmpty()) {
            throw new IllegalArgumentException(name + " takes nothing, found '" + given + "'");
        }
        return action.run(given);
    }
}
