package io.moetier.cli.perplexity;

import java.util.Arrays;
import java.util.OptionalInt;

/// A text cut into windows that do not overlap, as llama.cpp measures perplexity.
///
/// The second half of a window is scored, so each scored token has at least half a window before it. What is left at
/// the end of the text is not used.
public final class Windows {
    private static final int LEAST_LENGTH = 4;

    private final int[] tokens;
    private final int length;
    private final OptionalInt first;

    /// @param tokens of the whole text
    /// @param length of a window in tokens
    /// @param first token in whose place each window begins, if the model expects one
    /// @throws IllegalArgumentException if there is no window or nothing to score in one
    Windows(int[] tokens, int length, OptionalInt first) {
        if (length < LEAST_LENGTH) {
            throw new IllegalArgumentException("--ctx must be at least " + LEAST_LENGTH + ", not " + length);
        }
        if (tokens.length < length) {
            throw new IllegalArgumentException(
                    "--file: expected at least " + length + " tokens, one window of --ctx, found " + tokens.length);
        }
        this.tokens = tokens;
        this.length = length;
        this.first = first;
    }

    int length() {
        return length;
    }

    int count() {
        return tokens.length / length;
    }

    /// Returns how many tokens of a window come before the first whose successor is scored.
    int unscored() {
        return length / 2;
    }

    /// Returns the tokens of one window.
    int[] window(int index) {
        int[] window = Arrays.copyOfRange(tokens, index * length, (index + 1) * length);
        first.ifPresent(token -> window[0] = token);
        return window;
    }
}
