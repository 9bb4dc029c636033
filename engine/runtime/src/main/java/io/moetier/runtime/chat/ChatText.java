package io.moetier.runtime.chat;

import io.moetier.runtime.text.ChatMessage;
import io.moetier.runtime.text.ChatTemplate;
import io.moetier.storage.model.MalformedModelException;
import java.util.List;

/// Conversations as the text that a model was trained to continue.
///
/// @param template how the model's files say that they are written
/// @param inChannels whether the model answers in [Channels], whose template takes the answer alone
record ChatText(ChatTemplate template, boolean inChannels) {
    private static final String PROBE = "Answer briefly.";

    /// Returns the text of `transcript` and of what precedes an answer.
    String text(Transcript transcript) {
        List<ChatMessage> said = transcript.messages();
        return template.render(
                inChannels ? said.stream().map(ChatText::withoutThoughts).toList() : said, true);
    }

    private static ChatMessage withoutThoughts(ChatMessage message) {
        return message.role().equals(Transcript.ASSISTANT)
                ? new ChatMessage(message.role(), Channels.withoutThoughts(message.content()))
                : message;
    }

    /// Tries the template, for what it does with a system message it does not say.
    ///
    /// @throws IllegalArgumentException if it refuses one, or leaves it out
    void requireSystemRole() {
        Transcript probe = Transcript.EMPTY.withSystem(PROBE).with(Transcript.USER, "Hello");
        String text;
        try {
            text = text(probe);
        } catch (MalformedModelException e) {
            throw new IllegalArgumentException("the chat template takes no system message: " + e.getMessage(), e);
        }
        if (!text.contains(PROBE)) {
            throw new IllegalArgumentException("the chat template takes no system message: it leaves them out");
        }
    }
}
