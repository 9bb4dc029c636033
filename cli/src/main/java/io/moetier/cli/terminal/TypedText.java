package io.moetier.cli.terminal;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What was typed at the prompt: a command with what follows it, or a text for the model.
///
/// Three quotes begin and end a text of several lines, also behind a command. A text that begins with them is no
/// command.
///
/// @param command the command with its slash
/// @param text the prompt, or what follows the command
public record TypedText(Optional<String> command, String text) {
    private static final String QUOTES = "\"\"\"";
    private static final Pattern COMMAND = Pattern.compile("\\s*(/[a-z]+!?|/\\?)(?:[ \\t]+(.*)|\\s*)", Pattern.DOTALL);

    /// Takes apart what was typed.
    public static TypedText of(String typed) {
        Matcher command = COMMAND.matcher(typed);
        if (!command.matches()) {
            return new TypedText(Optional.empty(), unquoted(typed));
        }
        String rest = command.group(2) == null ? "" : command.group(2);
        return new TypedText(Optional.of(command.group(1)), unquoted(rest.strip()));
    }

    /// Says whether a text of several lines was begun and has not been ended.
    public static boolean isOpen(String typed) {
        Matcher command = COMMAND.matcher(typed);
        String text = command.matches() && command.group(2) != null ? command.group(2) : typed;
        String block = text.strip();
        return block.startsWith(QUOTES) && (block.length() < 2 * QUOTES.length() || !block.endsWith(QUOTES));
    }

    private static String unquoted(String text) {
        String block = text.strip();
        if (!block.startsWith(QUOTES)) {
            return text;
        }
        int end = Math.max(QUOTES.length(), block.length() - QUOTES.length());
        return block.substring(QUOTES.length(), end).strip();
    }
}
