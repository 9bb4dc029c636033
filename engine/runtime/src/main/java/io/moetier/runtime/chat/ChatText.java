package io.moetier.runtime.chat;

import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.text.ChatTemplate;
import io.moetier.storage.model.MalformedModelException;

/// Conversations as the tokens that a model was trained to continue.
///
/// @param template how the model's files say that they are written
record ChatText(LoadedModel model, ChatTemplate template) {
    private static final String PROBE = "Answer briefly.";

    /// Returns the tokens of `transcript` and of what precedes an answer.
    int[] tokens(Transcript transcript) {
        return model.encode(template.render(transcript.messages(), true), false);
    }

    /// Tries the template, for what it does with a system message it does not say.
    ///
    /// @throws IllegalArgumentException if it refuses one, or leaves it out
    void requireSystemRole() {
        Transcript probe = Transcript.EMPTY.withSystem(PROBE).with(Transcript.USER, "Hello");
        String text;
        try {
            text = template.render(probe.messages(), true);
        } catch (MalformedModelException e) {
            throw new IllegalArgumentException("the chat template takes no system message: " + e.getMessage(), e);
        }
        if (!text.contains(PROBE)) {
            throw new IllegalArgumentException("the chat template takes no system message: it leaves them out");
        }
    }

    /// Checks that the template takes a conversation and that the context has room for an answer to it.
    ///
    /// @throws MalformedModelException if the template refuses it
    /// @throws IllegalArgumentException if it is too long
    void requireFit(Transcript transcript) {
        int most = model.engine().contextLength();
        int length = tokens(transcript).length;
        if (length >= most) {
            throw new IllegalArgumentException(
                    "the conversation has " + length + " tokens, which the context of " + most + " cannot continue");
        }
    }
}
