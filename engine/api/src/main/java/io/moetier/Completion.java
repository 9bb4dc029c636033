package io.moetier;

import io.moetier.runtime.chat.Conversation;
import io.moetier.runtime.image.Picture;
import java.util.List;
import java.util.function.Consumer;

/// Continues texts, or token ids, each for itself.
///
/// Belongs to one thread at a time, but for [#cancel()]. Who is told of an answer may close this, which ends the
/// answer, but not ask for another. To be closed before its model.
public final class Completion implements AutoCloseable {
    private final Answering answering;
    private final Conversation conversation;

    Completion(Answering answering) {
        this.answering = answering;
        conversation = answering.conversation();
    }

    /// Continues a text and returns what comes once it is complete.
    ///
    /// @throws MoetierException.NotPossible if it is longer than the context, or the model has no tokenizer
    public Answer complete(String prompt) {
        return complete(prompt, piece -> {});
    }

    /// Continues a text, hands out what comes piece by piece, and returns the whole.
    ///
    /// @throws MoetierException.NotPossible if it is longer than the context, or the model has no tokenizer
    public Answer complete(String prompt, Consumer<String> onPiece) {
        return complete(prompt, List.of(), onPiece);
    }

    /// Continues a text that shows images: where it has [Image#MARK] for each, else before it. Hands out what comes
    /// piece by piece, and returns the whole.
    ///
    /// @throws MoetierException.NotPossible if it is longer than the context, the model has no tokenizer, marks
    ///     are not as many as images, or the model reads none
    public Answer complete(String prompt, List<Image> images, Consumer<String> onPiece) {
        List<Picture> shown = Image.pictures(images);
        return answering.answer((out, cancelled) -> conversation.answer(prompt, shown, out, cancelled), onPiece);
    }

    /// Continues token ids.
    ///
    /// @throws MoetierException.NotPossible if there are more than the context holds, or one is none of the model's
    public Answer complete(int[] prompt, Consumer<String> onPiece) {
        return answering.answer((out, cancelled) -> conversation.answer(prompt, out, cancelled), onPiece);
    }

    /// Draws and ends answers in another way from the next one on.
    public Completion withSettings(AnswerSettings settings) {
        answering.settings(settings);
        return this;
    }

    /// Tells an observer which experts layers choose from now on.
    public Completion observe(RoutingObserver observer) {
        answering.observe(observer);
        return this;
    }

    /// Ends the answer under way, if there is one, between two layers; any thread may call. What there is of it stays.
    public void cancel() {
        answering.cancel();
    }

    @Override
    public void close() {
        answering.close();
    }
}
