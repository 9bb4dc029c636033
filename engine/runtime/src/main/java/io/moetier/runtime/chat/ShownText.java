package io.moetier.runtime.chat;

import io.moetier.runtime.image.Picture;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.model.vision.ImagePatches;
import io.moetier.runtime.text.ChatMessage;
import java.util.List;

/// The tokens of a text that is no chat, and what the tower reads for the image tokens among them.
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
public record ShownText(int[] tokens, List<ImagePatches> images) {
    public ShownText {
        images = List.copyOf(images);
    }

    /// Reads a text as [Conversation] does without a chat template.
    ///
    /// @throws IllegalArgumentException if the model has no tokenizer or reads no images, or marks are not
    ///     as many as pictures
    public static ShownText of(LoadedModel model, String text, List<Picture> pictures) {
        ChatMessage message = SeenPrompt.message(model, text, pictures);
        SeenPrompt prompt = SeenPrompt.read(
                model,
                ReadPictures.NONE.with(pictures, model),
                message::withMarks,
                marked -> model.encode(marked, true));
        return new ShownText(prompt.tokens(), prompt.patchesFrom(0));
    }
}
