package io.moetier.runtime.chat;

import io.moetier.runtime.text.LanguageTokens;
import java.util.Optional;

/// The tokens of the two languages of a model that translates.
///
/// @param source of the prompt's language, if it is not the one that the tokenizer takes
/// @param first what the output begins with
public record Translation(LanguageTokens languages, Optional<Integer> source, Optional<Integer> first) {
    /// Of a model that does not, or from and into the languages that its files say.
    public static final Translation NONE = new Translation(LanguageTokens.NONE, Optional.empty(), Optional.empty());

    /// Returns the tokens of a text as being in the source language.
    int[] from(int[] text) {
        return source.map(id -> languages.from(id, text)).orElse(text);
    }
}
