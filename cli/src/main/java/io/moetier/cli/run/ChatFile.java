package io.moetier.cli.run;

import io.moetier.cli.terminal.OutputFile;
import io.moetier.runtime.chat.Transcript;
import io.moetier.runtime.text.ChatMessage;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// A conversation as a file: `{"messages": [{"role": …, "content": …}, …]}`, as programs that speak to OpenAI's
/// interface have it.
final class ChatFile {
    private static final long MAX_BYTES = 64L << 20; // far more text than the longest contexts hold
    private static final String MESSAGES = "messages";
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
        List<Map<String, String>> messages = new ArrayList<>();
        for (ChatMessage message : transcript.messages()) {
            Map<String, String> fields = new LinkedHashMap<>();
            fields.put("role", message.role());
            fields.put("content", message.content());
            messages.add(fields);
        }
        return Map.of(MESSAGES, messages);
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
            messages.add(new ChatMessage(role(message, messages.isEmpty()), message.requireString("content")));
        }
        if (messages.isEmpty()) {
            throw holder.unexpected(MESSAGES, "at least one message", "none");
        }
        return new Transcript(messages);
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
