package io.moetier.lab.sweep;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// A trace, named by what is in its file.
///
/// @param sha256 of the file, in hexadecimal digits
/// @param bytes of the file
record TraceId(String sha256, long bytes) {
    /// Of SHA-256.
    static final int DIGEST_BYTES = 32;

    /// @throws IllegalArgumentException if it cannot be one of a file
    TraceId {
        if (bytes < 1 || sha256.length() != 2 * DIGEST_BYTES) {
            throw new IllegalArgumentException("a trace of " + bytes + " bytes and the digest " + sha256);
        }
    }

    static TraceId of(byte[] digest, long bytes) {
        return new TraceId(HexFormat.of().formatHex(digest), bytes);
    }

    /// Reads a file.
    ///
    /// @throws MalformedModelException if it cannot be read, or is empty
    static TraceId of(Path file) {
        MessageDigest digest = digest();
        long bytes = 0;
        try (InputStream in = Files.newInputStream(file)) {
            byte[] part = new byte[1 << 16];
            for (int n = in.read(part); n >= 0; n = in.read(part)) {
                digest.update(part, 0, n);
                bytes += n;
            }
        } catch (IOException e) {
            throw new MalformedModelException(file + ": cannot be read: " + IoFailure.reason(e), e);
        }
        if (bytes == 0) {
            throw new MalformedModelException(file + ": not a gzip file");
        }
        return of(digest.digest(), bytes);
    }

    static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }

    byte[] digestBytes() {
        return HexFormat.of().parseHex(sha256);
    }
}
