package io.moetier.cli.terminal;

import java.util.Locale;

/// Numbers of things, as people say them.
public final class Plural {
    private Plural() {}

    /// Returns a number with the word for what it counts: `1 slot`, `2 slots`.
    ///
    /// @param noun for one of them
    public static String of(long number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }

    /// Returns the same with commas between groups of digits: `1 token`, `1,461 tokens`.
    ///
    /// @param noun for one of them
    public static String grouped(long number, String noun) {
        return String.format(Locale.ROOT, "%,d %s%s", number, noun, number == 1 ? "" : "s");
    }
}
