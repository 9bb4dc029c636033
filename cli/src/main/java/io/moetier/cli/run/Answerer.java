package io.moetier.cli.run;

import io.moetier.runtime.chat.Transcript;
import io.moetier.runtime.image.Picture;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// The other side of the prompt: a conversation with a model. A turn that fails is no part of it.
interface Answerer {
    /// Says whether prompts and answers add up; else each prompt starts afresh.
    boolean remembers();

    /// Answers `userText`, which shows pictures, piece by piece, until the answer ends or `cancelled` says so.
    ///
    /// @param shown in the order of their marks in the text, or before it
    void answer(String userText, List<Picture> shown, Consumer<String> out, BooleanSupplier cancelled);

    /// Checks that the model reads pictures.
    ///
    /// @throws IllegalArgumentException if it reads none
    void requireVision();

    /// Answers the last prompt again, with another draw; the answer takes the place of the former one.
    ///
    /// @throws IllegalArgumentException if there was no prompt
    void answerAgain(Consumer<String> out, BooleanSupplier cancelled);

    /// Returns what has been said.
    Transcript transcript();

    /// Begins the conversation with this system message from the next answer on; with none if it is empty.
    ///
    /// @throws IllegalArgumentException if the model takes none
    void instruct(String systemText);

    /// Goes on from `transcript` instead of what has been said.
    ///
    /// @throws IllegalArgumentException if that cannot be; then nothing has changed
    void resume(Transcript transcript);

    /// Forgets prompts and answers.
    void reset();

    /// Returns the figures of the last answer in one line.
    String line();

    /// Returns the figures of the last answer as a table.
    String stats();
}
