package io.moetier.cli.option;

/// What the model is to continue, as the user gave it.
public sealed interface Prompt {
    /// A text, of which the tokenizer makes tokens.
    record Text(String text) implements Prompt {}

    /// Token ids, taken as they are.
    @SuppressWarnings("ArrayRecordComponent") // carried from the option to the engine, never compared
    record Ids(int[] ids) implements Prompt {}
}
