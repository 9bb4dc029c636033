package io.moetier.runtime.text.bounded;

import io.moetier.storage.format.JsonObject;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The model of a tokenizer, which finds tokens in a word.
final class Vocabulary {
    private static final String MODEL = "model";
    private static final String VOCAB = "vocab";
    private static final int BLANK_SIGN = '\u2581';
    private static final int BYTE_VALUES = 256;
    private static final int MOST_CHARACTERS_PER_WORD = 4096;

    private final JsonObject model;
    private final boolean isBytePairs;
    private final boolean joinsWords;
    private Set<String> pieces = Set.of();
    private final Set<Integer> beforeBlanks = new HashSet<>();
    private int longest;

    private Vocabulary(JsonObject file) {
        this.model = file.requireObject(MODEL);
        String type = model.optionalString("type").orElse(model.has("merges") ? "BPE" : "");
        this.isBytePairs = type.equals("BPE");
        switch (type) {
            case "BPE" -> {
                readPieces();
                requirePrefixedMerges();
            }
            case "WordPiece" -> {
                readPieces();
                requireShortWords();
            }
            case "WordLevel" -> readPieces();
            case "Unigram" -> readScoredPieces();
            default -> throw model.unexpected("type", "one of BPE, Unigram, WordLevel, WordPiece", type);
        }
        this.joinsWords = flag("ignore_merges")
                || model.has("continuing_subword_prefix")
                || model.has("end_of_word_suffix")
                || model.has("dropout");
    }

    static Vocabulary read(JsonObject file) {
        return new Vocabulary(file);
    }

    /// Returns how many characters the longest piece has.
    int longest() {
        return longest;
    }

    /// Says whether every character of a text is in some token, and in none that has more characters than the longest
    /// piece.
    ///
    /// @param asBytes whether a word is written as characters that stand for bytes
    boolean countsAll(boolean asBytes) {
        return isBytePairs
                && !model.has("dropout")
                && ((asBytes && hasSignsOfBytes())
                        || (flag("byte_fallback") && hasBytes())
                        || (!flag("fuse_unk") && model.has("unk_token")));
    }

    /// Says whether tokens are the same if a word is cut between two characters.
    boolean keepsApart(int before, int after) {
        return isBytePairs
                && !joinsWords
                && after == BLANK_SIGN
                && pieces.contains(Character.toString(before))
                && pieces.contains(Character.toString(after))
                && !beforeBlanks.contains(before)
                && !beforeBlanks.contains((int) '>');
    }

    @SuppressWarnings("unchecked") // the parser makes only string keys
    private void readPieces() {
        Map<String, @Nullable Object> ids = model.requireObject(VOCAB).asMap();
        JsonObject vocabulary = model.requireObject(VOCAB);
        ids.forEach((piece, id) -> {
            VocabularyIds.require(vocabulary, piece, id);
            add(piece);
        });
        pieces = ids.keySet();
    }

    private void readScoredPieces() {
        if (!(model.value(VOCAB) instanceof List<?> list)) {
            throw model.unexpected(VOCAB, "a list of pieces and their scores", model.value(VOCAB));
        }
        for (Object entry : list) {
            if (!(entry instanceof List<?> pair) || pair.isEmpty() || !(pair.getFirst() instanceof String piece)) {
                throw model.unexpected(VOCAB, "pieces and their scores", entry);
            }
            if (piece.length() > Limits.CHARACTERS_OF_A_PIECE) {
                throw model.unexpected(
                        VOCAB, "pieces of at most " + Limits.CHARACTERS_OF_A_PIECE + " characters", piece.length());
            }
        }
    }

    private void add(String piece) {
        longest = Math.max(longest, piece.codePointCount(0, piece.length()));
        for (int blank = piece.indexOf(BLANK_SIGN, 1); blank > 0; blank = piece.indexOf(BLANK_SIGN, blank + 1)) {
            beforeBlanks.add(piece.codePointBefore(blank));
        }
    }

    /// The library takes the prefix from the second part of a merge without looking whether it is there.
    private void requirePrefixedMerges() {
        String prefix = model.optionalString("continuing_subword_prefix").orElse("");
        if (!(model.value("merges") instanceof List<?> merges)) {
            throw model.unexpected("merges", "a list", model.value("merges"));
        }
        if (!prefix.isEmpty()) {
            for (Object merge : merges) {
                String second = second(merge);
                if (!second.startsWith(prefix)) {
                    throw model.unexpected("merges", "second parts that begin with " + prefix, second);
                }
            }
        }
    }

    private String second(@Nullable Object merge) {
        return switch (merge) {
            case List<?> pair when pair.size() == 2 && pair.getLast() instanceof String second -> second;
            case String text when text.indexOf(' ') > 0 -> text.substring(text.indexOf(' ') + 1);
            case null, default -> throw model.unexpected("merges", "pairs of pieces", merge);
        };
    }

    private void requireShortWords() {
        long most = model.optionalLong("max_input_chars_per_word").orElse(0L);
        if (most < 0 || most > MOST_CHARACTERS_PER_WORD) {
            throw model.unexpected("max_input_chars_per_word", "0 to " + MOST_CHARACTERS_PER_WORD, most);
        }
    }

    private boolean hasBytes() {
        for (int value = 0; value < BYTE_VALUES; value++) {
            if (!pieces.contains(String.format(Locale.ROOT, "<0x%02X>", value))) {
                return false;
            }
        }
        return true;
    }

    private boolean hasSignsOfBytes() {
        int unseen = BYTE_VALUES;
        for (int value = 0; value < BYTE_VALUES; value++) {
            boolean isSeen = (value > ' ' && value < 0x7f) || (value > 0xa0 && value != 0xad);
            if (!pieces.contains(Character.toString(isSeen ? value : unseen++))) {
                return false;
            }
        }
        return true;
    }

    private boolean flag(String key) {
        return model.optionalBoolean(key).orElse(false);
    }
}
