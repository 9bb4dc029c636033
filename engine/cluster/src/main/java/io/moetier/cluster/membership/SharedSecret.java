package io.moetier.cluster.membership;

import io.moetier.storage.file.UnfinishedFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Set;
import javax.crypto.KDF;
import javax.crypto.spec.HKDFParameterSpec;

/// What all members of a cluster know and nobody else: the content of a file that only its owner can read.
///
/// It is never sent nor shown, and never used as it is: each use has a key of its own, [derived][#derive] from it, so
/// that what one of them gives away says nothing about another. Shareable between threads.
public final class SharedSecret {
    private static final int MIN_BYTES = 16;
    private static final int MAX_BYTES = 4096;
    private static final int CREATED_BYTES = 32;
    private static final Set<PosixFilePermission> OF_OTHERS = Set.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE);

    private final byte[] bytes;

    private SharedSecret(byte[] bytes) {
        this.bytes = bytes;
    }

    /// Reads a secret. A line end behind it does not belong to it.
    ///
    /// @throws IOException if the file cannot be read, others can read or write it, or it is too short or too long
    public static SharedSecret read(Path file) throws IOException {
        requirePrivate(file);
        byte[] content;
        try (InputStream in = Files.newInputStream(file)) {
            content = in.readNBytes(MAX_BYTES + 1);
        }
        int length = content.length;
        while (length > 0 && (content[length - 1] == '\n' || content[length - 1] == '\r')) {
            length--;
        }
        if (length < MIN_BYTES || content.length > MAX_BYTES) {
            throw new FileSystemException(
                    file.toString(), null, "a secret has " + MIN_BYTES + " to " + MAX_BYTES + " bytes");
        }
        return new SharedSecret(Arrays.copyOf(content, length));
    }

    /// Reads a secret, having made a random one first if there is none; of several that make it at once all read the
    /// same.
    ///
    /// @throws IOException if the file can be neither read nor made
    public static SharedSecret readOrCreate(Path file) throws IOException {
        if (!Files.exists(file)) {
            UnfinishedFile.createPrivateDirectories(UnfinishedFile.folderOf(file));
            byte[] random = new byte[CREATED_BYTES];
            new SecureRandom().nextBytes(random);
            try (UnfinishedFile unfinished = UnfinishedFile.createPrivate(file)) {
                Files.writeString(unfinished.path(), HexFormat.of().formatHex(random) + "\n");
                Files.createLink(file, unfinished.path()); // unlike a rename it replaces nothing
            } catch (FileAlreadyExistsException e) { // somebody else was first
                return read(file);
            }
        }
        return read(file);
    }

    /// Returns a key for one use (HKDF with SHA-256, RFC 5869).
    ///
    /// @param label what it is used for
    byte[] derive(String label, int numBytes) {
        try {
            return KDF.getInstance("HKDF-SHA256")
                    .deriveData(HKDFParameterSpec.ofExtract()
                            .addIKM(bytes)
                            .thenExpand(label.getBytes(StandardCharsets.UTF_8), numBytes));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }

    /// Refuses a file that others may read or write, where the file system knows of others.
    static void requirePrivate(Path file) throws IOException {
        if (file.getFileSystem().supportedFileAttributeViews().contains("posix")
                && Files.getPosixFilePermissions(file).stream().anyMatch(OF_OTHERS::contains)) {
            throw new FileSystemException(
                    file.toString(), null, "a secret that others may read or write is none; chmod 600 makes it one");
        }
    }
}
