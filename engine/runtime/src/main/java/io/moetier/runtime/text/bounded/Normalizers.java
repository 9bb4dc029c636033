package io.moetier.runtime.text.bounded;

import io.moetier.storage.format.JsonObject;
import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// What is done to a text before it is cut into words.
///
/// Most steps are simple enough to be taken here too, so that patterns behind them are weighed with the text that they
/// get. Of what the others make only the greatest length is known.
final class Normalizers {
    private static final String KNOWN = "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Nmt, BertNormalizer,"
            + " Precompiled, Prepend, Replace, ByteLevel, Sequence";
    private static final String BLANK_SIGN = "\u2581"; // SentencePiece's visible form of a blank
    private static final int MOST_BYTES_PER_CHARACTER = 4;
    private static final int MOST_CHARACTERS_COMPOSED = 4;

    private final List<Step> steps = new ArrayList<>();
    private final double growth;
    private boolean prepends;
    private boolean showsBlanks;
    private boolean keepsOrder = true;
    private int leastKept = 1;

    /// One step.
    ///
    /// @param growth how many times longer it makes a text at most
    /// @param added how many characters it adds besides
    /// @param pattern what it looks for, if that is a pattern
    /// @param rewrites what it does, if that is done here too
    private record Step(
            double growth, int added, Optional<PlacedPattern> pattern, Optional<UnaryOperator<String>> rewrites) {}

    private Normalizers(JsonObject file) {
        List<Component> components = Component.read(file, "normalizer", "normalizers");
        components.forEach(this::add);
        growth =
                steps.stream().mapToDouble(step -> step.growth() + step.added()).reduce(1, (a, b) -> a * b);
        if (growth > Limits.GROWTH) {
            throw file.unexpected(
                    "normalizer",
                    "steps that make a text at most " + Effort.shown(Limits.GROWTH) + " times longer",
                    Effort.shown(growth) + " times");
        }
    }

    static Normalizers read(JsonObject file) {
        return new Normalizers(file);
    }

    boolean isEmpty() {
        return steps.isEmpty();
    }

    /// Says whether a blank is put in front of a text, as a sign that other blanks become too.
    boolean prepends() {
        return prepends;
    }

    /// Says whether what a text becomes at a blank between characters of ASCII depends on nothing else there.
    boolean keepsOrder() {
        return keepsOrder && (!prepends || showsBlanks);
    }

    /// Returns what a character of ASCII becomes.
    int seen(int character) {
        return showsBlanks && character == ' ' ? BLANK_SIGN.codePointAt(0) : character;
    }

    /// Returns how many characters become one at most, 0 if that is not known.
    int mostBecomingOne() {
        return leastKept;
    }

    /// Adds what the steps take in a text.
    ///
    /// @return the text that they make
    /// @throws IllegalArgumentException if that is too much, or the text becomes too long
    Subject weigh(Subject text, Effort effort) {
        Subject subject = text;
        for (Step step : steps) {
            Subject before = subject;
            step.pattern().ifPresent(pattern -> before.weigh(pattern, effort));
            subject = before.after(step.growth(), step.added(), step.rewrites());
        }
        return subject;
    }

    private void add(Component step) {
        switch (step.type()) {
            case "NFC" -> add(composing(Form.NFC));
            case "NFKC" -> add(composing(Form.NFKC));
            case "NFD" -> add(composing(Form.NFD));
            case "NFKD" -> add(composing(Form.NFKD));
            case "Prepend" -> prepend(step.json().requireString("prepend"));
            case "Replace" -> replace(step);
            case "Precompiled" -> opaque(Charsmap.mostPerCharacter(step.json()));
            case "ByteLevel" -> opaque(MOST_BYTES_PER_CHARACTER);
            case "Lowercase" -> opaque(2);
            case "Strip", "StripAccents", "Nmt" -> opaque(1);
            // It may put blanks around a character that falls into several.
            case "BertNormalizer" -> opaque(2 + MOST_CHARACTERS_COMPOSED);
            default -> throw step.unknown(KNOWN);
        }
    }

    private void add(Step step) {
        steps.add(step);
    }

    private Step composing(Form form) {
        leastKept *= MOST_CHARACTERS_COMPOSED;
        // Unicode's Annex 15 tells how much longer a text may become.
        double longer = form == Form.NFC ? 3 : form == Form.NFD ? 4 : 18;
        return new Step(longer, 0, Optional.empty(), Optional.of(text -> Normalizer.normalize(text, form)));
    }

    private void prepend(String text) {
        keepsOrder &= steps.isEmpty() && text.equals(BLANK_SIGN);
        prepends = true;
        add(new Step(1, text.length(), Optional.empty(), Optional.of(rest -> rest.isEmpty() ? rest : text + rest)));
    }

    private void replace(Component step) {
        String content = step.json().requireString("content");
        Optional<PlacedPattern> pattern = PlacedPattern.read(step.json());
        Optional<String> literal = PlacedPattern.literal(step.json());
        int least = literal.map(String::length)
                .orElseGet(() -> pattern.orElseThrow().pattern().leastLength());
        double longer = least == 0 ? 1.0 + content.length() : Math.max(1.0, (double) content.length() / least);
        boolean shows = literal.equals(Optional.of(" ")) && content.equals(BLANK_SIGN);
        showsBlanks |= shows;
        keepsOrder &= shows;
        leastKept = shows ? leastKept : 0;
        add(new Step(
                longer,
                least == 0 ? content.length() : 0,
                pattern,
                literal.filter(text -> !text.isEmpty()).map(text -> rest -> rest.replace(text, content))));
    }

    private void opaque(int longer) {
        keepsOrder = false;
        leastKept = 0;
        add(new Step(longer, 0, Optional.empty(), Optional.empty()));
    }
}
