package io.moetier.cli.run;

import io.moetier.cli.terminal.OutputFile;
import io.moetier.runtime.chat.Transcript;
import io.moetier.runtime.image.Picture;
import io.moetier.runtime.text.ChatMessage;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// A conversation as a file: `{"messages": [{"role": …, "content": …}, …]}`, as programs that speak to OpenAI's
/// interface have it. A message that shows pictures has a list of parts as its content, and in it URLs of files.
final class ChatFile {
    private static final long MAX_BYTES = 64L << 20; // far more text than the longest contexts hold
    private static final String MESSAGES = "messages";
    private static final String CONTENT = "content";
    private static final String TYPE = "type";
    private static final String TEXT = "text";
    private static final String IMAGE = "image_url";
    private static final String URL = "url";
    private static final Set<String> ROLES = Set.of(Transcript.SYSTEM, Transcript.USER, Transcript.ASSISTANT);

    private ChatFile() {}

    /// Writes a conversation, whole or not at all; errors name the `command`.
    static void write(Path file, String command, Transcript transcript) throws IOException {
        OutputFile.write(file, command, Json.writePretty(fields(transcript)) + "\n");
    }

    /// Says whether a file holds this conversation and nothing else.
    static boolean holdsOnly(Path file, Transcript transcript) {
        return Json.readObject(file).asMap().equals(fields(transcript));
    }

    private static Map<String, ?> fields(Transcript transcript) {
        List<Map<String, Object>> messages = new ArrayList<>();
        for (ChatMessage message : transcript.messages()) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("role", message.role());
            fields.put(
                    CONTENT,
                    message.pictures().isEmpty()
                            ? message.content()
                            : message.parts().stream().map(ChatFile::fields).toList());
            messages.add(fields);
        }
        return Map.of(MESSAGES, messages);
    }

    private static Map<String, ?> fields(ChatMessage.Part part) {
        Map<String, Object> fields = new LinkedHashMap<>();
        switch (part) {
            case ChatMessage.Part.Text text -> {
                fields.put(TYPE, TEXT);
                fields.put(TEXT, text.text());
            }
            case ChatMessage.Part.Shown shown -> {
                fields.put(TYPE, IMAGE);
                fields.put(IMAGE, Map.of(URL, url(shown.picture())));
            }
        }
        return fields;
    }

    private static String url(Picture picture) {
        return picture.file()
                .orElseThrow(() -> new IllegalArgumentException(
                        "a chat is saved with the files of its pictures, but " + picture.name() + " is none"))
                .toAbsolutePath()
                .normalize()
                .toUri()
                .toString();
    }

    /// Reads a conversation. Fields that are not ours are left aside.
    ///
    /// @throws MalformedModelException if the file holds something else
    static Transcript read(Path file) throws IOException {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new MalformedModelException(file + ": expected a file, found a directory, device or pipe");
        }
        if (Files.exists(file) && Files.size(file) > MAX_BYTES) {
            throw MalformedModelException.of(file, "size", "at most " + MAX_BYTES + " bytes", Files.size(file));
        }
        JsonObject holder = Json.readObject(file);
        List<ChatMessage> messages = new ArrayList<>();
        for (JsonObject message : holder.requireObjects(MESSAGES)) {
            String role = role(message, messages.isEmpty());
            messages.add(
                    message.value(CONTENT) instanceof List<?>
                            ? message(role, message)
                            : new ChatMessage(role, message.requireString(CONTENT)));
        }
        if (messages.isEmpty()) {
            throw holder.unexpected(MESSAGES, "at least one message", "none");
        }
        return new Transcript(messages);
    }

    /// Reads a message of parts, and the pictures that are there now.
    private static ChatMessage message(String role, JsonObject message) {
        StringBuilder content = new StringBuilder();
        List<Picture> pictures = new ArrayList<>();
        for (JsonObject part : message.requireObjects(CONTENT)) {
            switch (part.requireString(TYPE)) {
                case TEXT -> content.append(part.requireString(TEXT));
                case IMAGE -> {
                    content.append(ChatMessage.MARK);
                    pictures.add(Picture.read(file(part.requireObject(IMAGE))));
                }
                default -> throw part.unexpected(TYPE, TEXT + " or " + IMAGE, part.requireString(TYPE));
            }
        }
        return new ChatMessage(role, content.toString(), pictures);
    }

    private static Path file(JsonObject image) {
        String url = image.requireString(URL);
        try {
            if (url.startsWith("file:")) {
                return Path.of(URI.create(url));
            }
        } catch (IllegalArgumentException e) {
            throw image.unexpected(URL, "the URL of a file", url);
        }
        throw image.unexpected(URL, "the URL of a file", url);
    }

    private static String role(JsonObject message, boolean first) {
        String role = message.requireString("role");
        if (!ROLES.contains(role)) {
            throw message.unexpected("role", "system, user or assistant", role);
        }
        if (role.equals(Transcript.SYSTEM) && !first) {
            throw message.unexpected("role", "a system message only as the first", role);
        }
        return role;
    }
}
