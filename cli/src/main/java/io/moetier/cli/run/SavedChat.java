package io.moetier.cli.run;

import io.moetier.cli.option.OptionFlags;
import io.moetier.cli.terminal.Plural;
import io.moetier.runtime.chat.Transcript;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Saves the conversation to files and goes on with it from there.
///
/// As in editors, the file that the conversation came from or went to last is its own, which is written again without
/// asking; any other that exists stays unless that is asked for. A file that held more than a conversation is not its
/// own.
final class SavedChat {
    private final Answerer answerer;
    private final TypedFile files;
    private @Nullable Path own;

    SavedChat(Answerer answerer, TypedFile files) {
        this.answerer = answerer;
        this.files = files;
    }

    /// Writes the conversation to the file `given`, or to its own if that is empty, and returns a line to say of it.
    ///
    /// @throws IllegalArgumentException if there is no conversation, or the file is there and is not its own
    String save(String given) throws IOException {
        return save("/save", given, false);
    }

    /// Does the same in place of any file.
    String replace(String given) throws IOException {
        return save("/save!", given, true);
    }

    private String save(String command, String given, boolean replace) throws IOException {
        requireChat();
        Transcript transcript = answerer.transcript();
        if (transcript.messages().isEmpty()) {
            throw new IllegalArgumentException("there is nothing to save yet");
        }
        Path file = given.isEmpty() && own != null ? own : files.named(command, given);
        if (!replace && !file.equals(own) && Files.isRegularFile(file)) {
            throw new IllegalArgumentException(file + ": exists already; /save! replaces it");
        }
        ChatFile.write(file, command, transcript);
        own = file;
        return file + ": saved " + size(transcript);
    }

    /// Goes on with the conversation in the file `given`, and returns a line to say of it. If that fails, the present
    /// conversation stays.
    String load(String given) throws IOException {
        requireChat();
        Path file = files.named("/load", given);
        Transcript transcript = ChatFile.read(file);
        try {
            answerer.resume(transcript);
        } catch (InvalidOptionException e) {
            throw new IllegalArgumentException(file + ": " + OptionFlags.sentence(e), e);
        } catch (MalformedModelException | IllegalArgumentException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
        own = ChatFile.holdsOnly(file, transcript) ? file : null;
        return file + ": loaded " + size(transcript);
    }

    private void requireChat() {
        if (!answerer.remembers()) {
            throw new IllegalArgumentException(
                    "without a chat template each prompt starts afresh: there is no conversation to save or load");
        }
    }

    private static String size(Transcript transcript) {
        int prompts = transcript.count(Transcript.USER);
        int answers = transcript.count(Transcript.ASSISTANT);
        return Plural.of(prompts, "prompt") + " and " + Plural.of(answers, "answer")
                + (transcript.system().isPresent() ? " behind a system message" : "") + "\n";
    }
}
