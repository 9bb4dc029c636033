package io.moetier.runtime.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// The digest by which the hub names the content of a file: SHA-256 of large ones, and of others what Git calls them.
final class ContentDigest {
    private final MessageDigest digest;

    ContentDigest(HubFile file) {
        boolean large = file.sha256().isPresent();
        this.digest = algorithm(large ? "SHA-256" : "SHA-1");
        if (!large) {
            digest.update(("blob " + file.bytes() + "\0").getBytes(StandardCharsets.US_ASCII));
        }
    }

    private static MessageDigest algorithm(String name) {
        try {
            return MessageDigest.getInstance(name);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every platform has both
        }
    }

    void update(byte[] bytes, int length) {
        digest.update(bytes, 0, length);
    }

    /// Returns it in hexadecimal digits.
    String finish() {
        return HexFormat.of().formatHex(digest.digest());
    }
}
