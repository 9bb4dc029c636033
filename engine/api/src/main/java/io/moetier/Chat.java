package io.moetier;

import io.moetier.runtime.chat.Conversation;
import io.moetier.runtime.chat.Transcript;
import io.moetier.runtime.image.Picture;
import io.moetier.runtime.text.ChatMessage;
import java.util.List;
import java.util.function.Consumer;

/// A conversation with a model, whose turns add up. What was computed of it before is not computed again.
///
/// Belongs to one thread at a time, but for [#cancel()]. Who is told of an answer may close this, which ends the
/// answer, but neither ask for another nor change what has been said. To be closed before its model.
public final class Chat implements AutoCloseable {
    private final Answering answering;
    private final Conversation conversation;

    Chat(Answering answering) {
        this.answering = answering;
        conversation = answering.conversation();
    }

    /// Says something and returns the answer once it is complete.
    ///
    /// @throws MoetierException.NotPossible if the conversation exceeds the context, or the template refuses it
    public Answer say(String text) {
        return say(text, piece -> {});
    }

    /// Says something, hands out the answer piece by piece as it comes, and returns the whole.
    ///
    /// @throws MoetierException.NotPossible if the conversation exceeds the context, or the template refuses it
    public Answer say(String text, Consumer<String> onPiece) {
        return say(text, List.of(), onPiece);
    }

    /// Says something and shows images: where the text has [Image#MARK] for each, else before it. Hands out the answer
    /// piece by piece as it comes, and returns the whole.
    ///
    /// @throws MoetierException.NotPossible if the conversation is longer than the context, the template refuses
    ///     it, marks are not as many as images, or the model reads none
    public Answer say(String text, List<Image> images, Consumer<String> onPiece) {
        List<Picture> shown = Image.pictures(images);
        return answering.answer((out, cancelled) -> conversation.answer(text, shown, out, cancelled), onPiece);
    }

    /// Answers what was said last again, with another draw, in the place of the former answer.
    ///
    /// @throws MoetierException.NotPossible if nothing was said
    public Answer sayAgain(Consumer<String> onPiece) {
        return answering.answer(conversation::answerAgain, onPiece);
    }

    /// Begins the conversation with this system message from the next answer on; with none if it is empty.
    ///
    /// @throws MoetierException.NotPossible if the model's template takes none
    public Chat withSystem(String text) {
        answering.change(() -> conversation.instruct(text));
        return this;
    }

    /// Goes on from these messages instead of what has been said.
    ///
    /// @throws MoetierException.NotPossible if the template refuses them, or the context is too short; then nothing
    ///     changes
    public Chat resume(List<Message> messages) {
        List<ChatMessage> said = messages.stream().map(Message::forTemplate).toList();
        answering.change(() -> conversation.resume(new Transcript(said)));
        return this;
    }

    /// Returns what has been said.
    public List<Message> messages() {
        return conversation.transcript().messages().stream().map(Message::of).toList();
    }

    /// Draws and ends answers in another way from the next one on.
    public Chat withSettings(AnswerSettings settings) {
        answering.settings(settings);
        return this;
    }

    /// Tells an observer which experts layers choose from now on.
    public Chat observe(RoutingObserver observer) {
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
