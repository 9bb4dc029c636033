package io.moetier.runtime.text.bounded;

import io.moetier.storage.format.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// How a text is cut into words, in which tokens are found.
final class PreTokenizers {
    private static final String KNOWN = "BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, Metaspace,"
            + " Punctuation, Sequence, Split, UnicodeScripts, Whitespace, WhitespaceSplit";
    private static final String GPT2 =
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    private static final String PUNCTUATION = "[\\p{P}$+<=>^`|~]";
    private static final int BLANK_SIGN = '\u2581';
    private static final int ASCII = 0x80;
    private static final int BYTES = 0x100;
    private static final int MOST_BYTES_PER_CHARACTER = 4;

    private final List<Step> steps = new ArrayList<>();
    private boolean writesBytes;
    private boolean showsBlanks;
    private boolean cutsAtBlanks;
    private boolean needsBlank;
    private boolean keepsAll = true;
    private boolean keepsOrder = true;

    /// One step.
    ///
    /// @param pattern what it looks for
    /// @param cuts whether a word begins where a match does
    /// @param bytes whether it gets characters that stand for bytes
    /// @param signs whether it gets the sign of a blank instead
    private record Step(PlacedPattern pattern, boolean cuts, boolean bytes, boolean signs) {
        boolean keepsApart(int before, int after) {
            return (!bytes || before < ASCII) && !pattern.pattern().mayCross(before, seen(after));
        }

        boolean alwaysCutsAt(int character, int next) {
            return cuts && pattern.pattern().alwaysBeginsAt(seen(character), seen(next));
        }

        /// Returns what it gets for a character of ASCII; those that would not be seen stand further up as bytes.
        private int seen(int character) {
            return signs && character == ' ' ? BLANK_SIGN : bytes && character <= ' ' ? character + BYTES : character;
        }
    }

    private PreTokenizers(JsonObject file) {
        Component.read(file, "pre_tokenizer", "pretokenizers").forEach(this::add);
    }

    static PreTokenizers read(JsonObject file) {
        return new PreTokenizers(file);
    }

    /// Says whether words are written as characters that stand for bytes.
    boolean writesBytes() {
        return writesBytes;
    }

    /// Says whether all that a text holds is in some word.
    boolean keepsAll() {
        return keepsAll;
    }

    /// Says whether a text may be cut at a blank only so that the blank begins a section.
    boolean needsBlank() {
        return needsBlank;
    }

    /// Adds what the steps take in a text.
    ///
    /// @throws IllegalArgumentException if that is too much
    void weigh(Subject text, Effort effort) {
        for (Step step : steps) {
            if (step.bytes() || step.signs()) {
                step.pattern().weigh(text.length() * MOST_BYTES_PER_CHARACTER, effort);
            } else {
                text.weigh(step.pattern(), effort);
            }
        }
    }

    /// Says whether nothing that is cut here depends on both of two characters, one after the other.
    boolean keepsApart(int before, int after) {
        return keepsOrder && steps.stream().allMatch(step -> step.keepsApart(before, after));
    }

    /// Says whether a word begins at a character of ASCII that another follows, wherever no earlier match holds it.
    boolean alwaysCutAt(int character, int next) {
        return (cutsAtBlanks && character == ' ')
                || steps.stream().anyMatch(step -> step.alwaysCutsAt(character, next));
    }

    private void add(Component step) {
        switch (step.type()) {
            case "ByteLevel" -> bytes(step);
            case "Split" -> split(step);
            case "Digits" -> builtIn("\\p{N}" + (step.flag("individual_digits", true) ? "" : "+"), true);
            case "Punctuation" -> punctuation(step);
            case "Whitespace", "WhitespaceSplit", "BertPreTokenizer" -> {
                keepsAll = false;
                builtIn("\\s", true);
            }
            case "Metaspace" -> blanksAsSigns(step);
            case "CharDelimiterSplit", "UnicodeScripts" -> {
                keepsAll = false;
                keepsOrder = false;
            }
            default -> throw step.unknown(KNOWN);
        }
    }

    private void bytes(Component step) {
        needsBlank |= step.flag("add_prefix_space", true);
        if (step.flag("use_regex", true)) {
            builtIn(GPT2, true);
        }
        writesBytes = true;
    }

    private void blanksAsSigns(Component step) {
        needsBlank = true;
        keepsOrder &= step.json().optionalString("replacement").orElse("").equals(Character.toString(BLANK_SIGN));
        cutsAtBlanks |= step.flag("split", true);
        showsBlanks = true;
    }

    private void punctuation(Component step) {
        String behavior = step.json().optionalString("behavior").orElse("Isolated");
        keepsAll &= !behavior.equals("Removed");
        builtIn(PUNCTUATION + (behavior.equals("Contiguous") ? "+" : ""), behavior.equals("Isolated"));
    }

    private void split(Component step) {
        String behavior = step.json().requireString("behavior");
        keepsAll &= !behavior.equals("Removed");
        Optional<PlacedPattern> pattern = PlacedPattern.read(step.json());
        boolean cuts = behavior.equals("Isolated") || behavior.equals("Removed");
        pattern.ifPresent(found -> steps.add(new Step(found, cuts, writesBytes, showsBlanks)));
        // Other behaviours move a cut to the other end of a match, or take it away between two.
        keepsOrder &= pattern.isPresent() || isOneCharacter(step);
    }

    private static boolean isOneCharacter(Component step) {
        return PlacedPattern.literal(step.json())
                .filter(text -> text.length() == 1)
                .isPresent();
    }

    private void builtIn(String pattern, boolean cuts) {
        steps.add(new Step(PlacedPattern.builtIn("pre_tokenizer", pattern), cuts, writesBytes, showsBlanks));
    }
}
