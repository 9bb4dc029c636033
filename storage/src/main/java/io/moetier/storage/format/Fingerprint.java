package io.moetier.storage.format;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// Digests what tells cheaply whether files have changed: their names, sizes, times and small contents.
///
/// Directories are left out, so that a checkpoint keeps its fingerprint when it is moved.
final class Fingerprint {
    private static final int BYTES = 16;

    private final MessageDigest digest;

    Fingerprint() {
        try {
            this.digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /// Adds a file by name, size and time of last change.
    void addFile(Path file) throws IOException {
        long millis = Files.getLastModifiedTime(file).toMillis();
        add(file.getFileName() + "\n" + Files.size(file) + "\n" + millis + "\n");
    }

    /// Adds a checksum of a content.
    void addChecksum(long checksum) {
        add(checksum + "\n");
    }

    /// Returns the digest of all that was added, in hexadecimal.
    String finish() {
        return HexFormat.of().formatHex(digest.digest(), 0, BYTES);
    }

    private void add(String text) {
        digest.update(text.getBytes(StandardCharsets.UTF_8));
    }
}
