package io.moetier.cli.terminal;

/// Words of commands that are shown, to be copied into a shell.
public final class ShellWord {
    private ShellWord() {}

    /// Returns an argument as a shell takes it for one word, in quotes where it needs them.
    public static String of(String argument) {
        return argument.matches("[\\w@%+=:,./-]+") ? argument : "'" + argument.replace("'", "'\\''") + "'";
    }
}
