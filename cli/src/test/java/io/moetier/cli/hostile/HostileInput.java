package io.moetier.cli.hostile;

import java.util.List;
import java.util.stream.Stream;

/// A command line, and what stands on its standard input.
///
/// @param name says what is wrong with it, and is a file name as well
record HostileInput(String name, String standardInput, List<String> arguments) {
    static HostileInput of(String name, String... arguments) {
        return new HostileInput(name, "", List.of(arguments));
    }

    HostileInput withStandardInput(String text) {
        return new HostileInput(name, text, arguments);
    }

    /// Returns the arguments with `folder` in place of `{work}`, the one folder that they may write to.
    Stream<String> argumentsIn(String folder) {
        return arguments.stream().map(argument -> argument.replace("{work}", folder));
    }

    @Override
    public String toString() {
        return name;
    }
}
