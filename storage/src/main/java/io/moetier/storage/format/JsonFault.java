package io.moetier.storage.format;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonLocation;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// Says in plain words, with line and column, what is wrong with a text that should be JSON. The library's own words
/// name its classes and settings.
final class JsonFault {
    private static final List<Rewording> REWORDINGS = List.of(
            new Rewording(
                    "\\((start marker|for \\w+ starting) at \\[Source: .*?line: (\\d+), column: (\\d+)\\]\\)",
                    "for that of line $2, column $3"),
            new Rewording(", from `[^`]*`", ""),
            new Rewording(": enable `[^`]*` to allow", ""),
            new Rewording(" \\(not recognized as one since .*?\\)", ""),
            new Rewording("\\(\\(CTRL-CHAR, code (\\d+)\\)\\)", "of code $1"),
            new Rewording("\\('(.)' \\(code .*?\\)\\)", "$1"),
            new Rewording(" \\(code \\d+\\)", ""),
            new Rewording("in VALUE_STRING", "in a string"),
            new Rewording("Unexpected end-of-input", "the text ends too early"));

    private JsonFault() {}

    private record Rewording(Pattern words, String instead) {
        Rewording(String words, String instead) {
            this(Pattern.compile(words), instead);
        }
    }

    /// @param reached where the parser stood, if the fault does not know
    static String sentence(JacksonException fault, JsonLocation reached) {
        String words =
                String.valueOf(fault.getOriginalMessage()).lines().findFirst().orElse("");
        for (Rewording rewording : REWORDINGS) {
            words = rewording.words().matcher(words).replaceAll(rewording.instead());
        }
        JsonLocation place = Optional.ofNullable(fault.getLocation()).orElse(reached);
        String first = words.substring(0, Math.min(1, words.length())).toLowerCase(Locale.ROOT);
        return "line " + place.getLineNr() + ", column " + place.getColumnNr() + ": " + first
                + words.substring(first.length());
    }
}
