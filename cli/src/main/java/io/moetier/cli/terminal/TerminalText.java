package io.moetier.cli.terminal;

import io.moetier.storage.format.UnsafeCharacters;
import java.util.function.IntPredicate;

/// Shows control characters instead of having the terminal obey them: texts come from files that anybody may have
/// made, and could retitle the window, clear the screen or hide what stands there.
///
/// Works char by char, so that an answer can be treated piece by piece.
public final class TerminalText {
    private TerminalText() {}

    /// Returns a text of ours as it is shown, with its own line feeds and tabs, and what it quotes escaped: `\x1b`,
    /// `\u202e`.
    public static String escape(String text) {
        return escape(text, letter -> UnsafeCharacters.isUnsafe(letter) && letter != '\n' && letter != '\t');
    }

    /// Returns what is to stay on one line, as a cell of a table: line feeds and tabs are escaped too.
    public static String escapeLine(String text) {
        return escape(text, UnsafeCharacters::isUnsafe);
    }

    /// Returns a piece of a model's answer as a terminal shows it. Unlike what we quote, it may change the direction of
    /// its text.
    public static String escapeAnswer(String text) {
        return escape(text, letter -> UnsafeCharacters.isControl(letter) && letter != '\n' && letter != '\t');
    }

    private static String escape(String text, IntPredicate escaped) {
        return UnsafeCharacters.replace(text, escaped, TerminalText::shown);
    }

    private static String shown(int letter) {
        return switch (letter) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> String.format(letter <= 0xFF ? "\\x%02x" : "\\u%04x", letter);
        };
    }
}
