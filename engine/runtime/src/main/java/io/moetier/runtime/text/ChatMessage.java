package io.moetier.runtime.text;

import io.moetier.runtime.image.Picture;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// One turn of a conversation.
///
/// @param role who speaks, in the words of chat templates: `system`, `user` or `assistant`
/// @param content what is said, with [#MARK] where each of the pictures stands; without pictures this is no mark
/// @param pictures what is shown, in the order of their marks
public record ChatMessage(String role, String content, List<Picture> pictures) {
    /// Stands in a text for a picture, whatever the model's own words for it are.
    public static final String MARK = "<image>";

    /// @throws IllegalArgumentException if there are pictures, and not as many marks
    public ChatMessage {
        pictures = List.copyOf(pictures);
        int marks = texts(content).size() - 1;
        if (!pictures.isEmpty() && marks != pictures.size()) {
            throw new IllegalArgumentException("the message has " + marks + " times " + MARK
                    + ", which stands for a picture, but shows " + pictures.size());
        }
    }

    /// Without pictures.
    public ChatMessage(String role, String content) {
        this(role, content, List.of());
    }

    /// Returns a message whose pictures stand before its text, unless that has marks where they do.
    ///
    /// @throws IllegalArgumentException if there are marks, but not as many as pictures
    public static ChatMessage showing(String role, String text, List<Picture> pictures) {
        return new ChatMessage(role, text.contains(MARK) ? text : MARK.repeat(pictures.size()) + text, pictures);
    }

    /// Returns the text with `words` where each picture stands.
    public String withMarks(String words) {
        return pictures.isEmpty() ? content : content.replace(MARK, words);
    }

    /// A piece of a message: a text, or a picture.
    public sealed interface Part {
        /// What is said before, between or behind pictures; never empty.
        record Text(String text) implements Part {}

        /// What is shown.
        record Shown(Picture picture) implements Part {}
    }

    /// Returns the pieces in order.
    public List<Part> parts() {
        List<Part> parts = new ArrayList<>();
        Iterator<Picture> next = pictures.iterator();
        for (String text : pictures.isEmpty() ? List.of(content) : texts(content)) {
            if (!text.isEmpty()) {
                parts.add(new Part.Text(text));
            }
            if (next.hasNext()) {
                parts.add(new Part.Shown(next.next()));
            }
        }
        return parts;
    }

    private static List<String> texts(String content) {
        return Arrays.asList(content.split(MARK, -1));
    }

    /// Returns the message as chat templates of the hub take it: its content is a text, or a list of what is said and
    /// shown. Some templates write all of it, so members have an order.
    Map<String, Object> forTemplate() {
        return members(
                "role",
                role,
                "content",
                pictures.isEmpty()
                        ? content
                        : parts().stream().map(ChatMessage::map).toList());
    }

    private static Map<String, Object> map(Part part) {
        return switch (part) {
            case Part.Text text -> members("type", "text", "text", text.text());
            case Part.Shown _ -> Map.of("type", "image");
        };
    }

    private static Map<String, Object> members(String first, Object value, String second, Object other) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put(first, value);
        members.put(second, other);
        return members;
    }
}
