package io.moetier.cli.option;

import io.moetier.runtime.library.LoadedModel;

/// What the model is to continue, as the user gave it.
public sealed interface Prompt {
    /// Returns the tokens: the ids that were given, or those of the text.
    ///
    /// @throws IllegalArgumentException if it is a text and the model came without a tokenizer, or too long for it
    default int[] tokens(LoadedModel model) {
        return switch (this) {
            case Ids given -> given.ids();
            case Text given -> model.encode(given.text(), true);
        };
    }

    /// A text, of which the tokenizer makes tokens.
    record Text(String text) implements Prompt {}

    /// Token ids, taken as they are.
    @SuppressWarnings("ArrayRecordComponent") // carried from the option to the engine, never compared
    record Ids(int[] ids) implements Prompt {}
}
