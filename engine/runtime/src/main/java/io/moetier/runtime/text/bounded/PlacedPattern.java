package io.moetier.runtime.text.bounded;

import io.moetier.runtime.text.regex.Growth;
import io.moetier.runtime.text.regex.TokenPattern;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.util.Optional;

/// A pattern and where it stands in a file.
final class PlacedPattern {
    private static final String KEY = "pattern";
    private static final int MOST_SHOWN = 60;

    private final String place;
    private final String text;
    private final TokenPattern pattern;

    private PlacedPattern(String place, String text, TokenPattern pattern) {
        this.place = place;
        this.text = text;
        this.pattern = pattern;
    }

    /// Reads the pattern of a component, checked; empty if it is a text that is looked for as it is.
    ///
    /// @throws MalformedModelException if it may take a time without a useful bound
    static Optional<PlacedPattern> read(JsonObject component) {
        JsonObject pattern = component.requireObject(KEY);
        Optional<String> regex = pattern.optionalString("Regex");
        if (regex.isEmpty()) {
            requireShort(pattern);
        }
        return regex.map(text -> read(pattern, text));
    }

    /// Returns a pattern that the library has built in.
    static PlacedPattern builtIn(String place, String text) {
        return new PlacedPattern(place, text, TokenPattern.read(text));
    }

    /// Returns the text that a component looks for as it is, if that is what it does.
    static Optional<String> literal(JsonObject component) {
        return component.requireObject(KEY).optionalString("String");
    }

    private static PlacedPattern read(JsonObject pattern, String text) {
        try {
            TokenPattern read = TokenPattern.read(text);
            double constant = Math.max(read.attempt().constant(), read.search().constant());
            if (!(constant <= Limits.CONSTANT_STEPS)) {
                throw new IllegalArgumentException(
                        "one attempt to match may go back " + Effort.shown(constant) + " times");
            }
            return new PlacedPattern(pattern.source() + ": " + pattern.path("Regex"), text, read);
        } catch (IllegalArgumentException e) {
            throw MalformedModelException.of(
                    pattern.source(),
                    pattern.path("Regex"),
                    "a pattern that is sure to end soon",
                    shortened(text) + ": " + e.getMessage());
        }
    }

    private static void requireShort(JsonObject pattern) {
        String text = pattern.requireString("String");
        if (text.length() > Limits.CHARACTERS_OF_A_MARK) {
            throw pattern.unexpected("String", "at most " + Limits.CHARACTERS_OF_A_MARK + " characters", text.length());
        }
    }

    TokenPattern pattern() {
        return pattern;
    }

    /// Says whether no text makes an attempt to match take longer.
    boolean isConstant() {
        return pattern.attempt().degree() == 0 && pattern.search().degree() == 0;
    }

    /// Adds what the pattern takes in a text.
    ///
    /// @throws IllegalArgumentException if that is too much
    void weigh(String subject, Effort effort) {
        if (!isConstant()) {
            Runs.of(subject, pattern.attempt().set()).forEach(length -> requireFew(length, pattern.attempt()));
            Runs.of(subject, pattern.search().set()).forEach(length -> add(length, effort));
        }
    }

    /// Adds what the pattern takes in a text of which only the length is known.
    ///
    /// @throws IllegalArgumentException if that is too much
    void weigh(double length, Effort effort) {
        if (!isConstant()) {
            int run = (int) Math.min(Integer.MAX_VALUE, length);
            requireFew(run, pattern.attempt());
            add(run, effort);
        }
    }

    private void requireFew(int run, Growth growth) {
        if (growth.steps(run) > Limits.STEPS_PER_ATTEMPT) {
            throw tooLong(run, growth);
        }
    }

    private void add(int run, Effort effort) {
        double steps = pattern.search().steps(run) * run;
        if (!effort.add(steps)) {
            throw tooLong(run, pattern.search());
        }
    }

    private IllegalArgumentException tooLong(int run, Growth growth) {
        return new IllegalArgumentException(place + ": expected a text with runs of at most "
                + Effort.longestRun(growth) + " characters that " + shortened(text) + " may go back over, found "
                + run);
    }

    private static String shortened(String text) {
        return text.length() <= MOST_SHOWN ? text : text.substring(0, MOST_SHOWN) + "…";
    }
}
