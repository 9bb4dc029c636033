package io.moetier.cli.terminal;

/// Numbers of things, as people say them.
public final class Plural {
    private Plural() {}

    /// Returns a number with the word for what it counts: `1 slot`, `2 slots`.
    ///
    /// @param noun for one of them
    public static String of(long number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }
}
