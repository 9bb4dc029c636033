package io.moetier.cli;

import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// The other side of the prompt: a conversation with a model.
interface Answerer {
    /// Answers `userText`, piece by piece, until the answer ends or `cancelled` says so.
    void answer(String userText, Consumer<String> out, BooleanSupplier cancelled);

    /// Forgets the conversation.
    void reset();

    /// Returns the figures of the last answer in one line.
    String line();

    /// Returns the figures of the last answer as a table.
    String stats();
}
