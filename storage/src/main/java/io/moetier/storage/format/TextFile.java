package io.moetier.storage.format;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// Writes small files; unlike with [Files], the failure of a full disk names the file.
public final class TextFile {
    private TextFile() {}

    /// Writes `text` as UTF-8, in place of what the file held.
    ///
    /// @throws IOException if it cannot be written; the message names it
    public static void write(Path file, String text) throws IOException {
        write(file, text.getBytes(StandardCharsets.UTF_8));
    }

    /// Writes `content`, in place of what the file held.
    ///
    /// @throws IOException if it cannot be written; the message names it
    public static void write(Path file, byte[] content) throws IOException {
        try {
            Files.write(file, content);
        } catch (IOException e) {
            throw IoFailure.toWrite(file, e);
        }
    }
}
