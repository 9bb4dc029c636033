package io.moetier;

import io.moetier.runtime.text.ChatMessage;
import java.util.List;

/// What somebody said in a chat.
///
/// @param role `system`, `user` or `assistant`
/// @param content what was said, with [Image#MARK] where each of the images stands
/// @param images what was shown, in the order of their marks
public record Message(String role, String content, List<Image> images) {
    /// @throws MoetierException.NotPossible if there are images, and not as many marks
    public Message {
        List<Image> copied = List.copyOf(images);
        images = copied;
        Failures.translated(() -> new ChatMessage(role, content, Image.pictures(copied)));
    }

    /// Without images.
    public Message(String role, String content) {
        this(role, content, List.of());
    }

    static Message of(ChatMessage message) {
        return new Message(
                message.role(),
                message.content(),
                message.pictures().stream().map(Image::of).toList());
    }

    ChatMessage forTemplate() {
        return new ChatMessage(role, content, Image.pictures(images));
    }
}
