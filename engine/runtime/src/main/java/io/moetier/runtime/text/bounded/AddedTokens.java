package io.moetier.runtime.text.bounded;

import io.moetier.runtime.text.regex.CharacterSet;
import io.moetier.storage.format.JsonObject;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// The tokens that are found in a text before it is normalized and cut into words.
final class AddedTokens {
    private static final String KEY = "added_tokens";
    private static final String CONTENT = "content";

    private final List<String> normalized = new ArrayList<>();
    private final Set<Integer> first = new HashSet<>();
    private final Set<Integer> last = new HashSet<>();
    private final Set<List<Integer>> pairs = new HashSet<>();
    private boolean strips;
    private boolean wholeWords;
    private int longest;

    private AddedTokens(JsonObject file) {
        List<JsonObject> tokens = file.has(KEY) ? file.requireObjects(KEY) : List.of();
        if (tokens.size() > Limits.ADDED_TOKENS) {
            throw file.unexpected(KEY, "at most " + Limits.ADDED_TOKENS + " tokens", tokens.size());
        }
        tokens.forEach(this::add);
        requireNoneBetween(tokens);
    }

    static AddedTokens read(JsonObject file) {
        return new AddedTokens(file);
    }

    /// Returns those that are found in the normalized text.
    List<String> normalized() {
        return normalized;
    }

    /// Says whether some take blanks beside them along.
    boolean strips() {
        return strips;
    }

    /// Returns how many characters the longest has.
    int longest() {
        return longest;
    }

    /// Says whether no token ends with `before`, begins with `after` or `next`, or holds the two together, so that
    /// these are found in the same way if a text is cut between the first two.
    boolean keepApart(int before, int after, int next) {
        return !wholeWords
                && !last.contains(before)
                && !first.contains(after)
                && !first.contains(next)
                && !pairs.contains(List.of(before, after));
    }

    private void add(JsonObject token) {
        int[] content = token.requireString(CONTENT).codePoints().toArray();
        VocabularyIds.require(token, "id");
        if (content.length > Limits.CHARACTERS_OF_A_MARK) {
            throw token.unexpected(CONTENT, "at most " + Limits.CHARACTERS_OF_A_MARK + " characters", content.length);
        }
        if (token.optionalBoolean("normalized").orElse(true) && content.length > 0) {
            normalized.add(token.requireString(CONTENT));
        }
        strips |= flag(token, "lstrip") || flag(token, "rstrip");
        wholeWords |= flag(token, "single_word");
        longest = Math.max(longest, content.length);
        for (int i = 0; i < content.length; i++) {
            if (i > 0) {
                pairs.add(List.of(content[i - 1], content[i]));
            }
        }
        if (content.length > 0) {
            first.add(content[0]);
            last.add(content[content.length - 1]);
        }
    }

    /// A token that takes the blanks behind it along leaves none to a token that begins with them and takes those
    /// before it along.
    private void requireNoneBetween(List<JsonObject> tokens) {
        if (tokens.stream().anyMatch(token -> flag(token, "rstrip"))) {
            for (JsonObject token : tokens) {
                String content = token.requireString(CONTENT);
                if (flag(token, "lstrip")
                        && !content.isEmpty()
                        && CharacterSet.BLANKS.contains(content.codePointAt(0))) {
                    throw token.unexpected(
                            CONTENT, "a token that begins with no blank, since others take blanks", content);
                }
            }
        }
    }

    private static boolean flag(JsonObject token, String key) {
        return token.optionalBoolean(key).orElse(false);
    }
}
