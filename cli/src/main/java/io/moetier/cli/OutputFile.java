package io.moetier.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/// A file that a command is to write: made under a hidden name beside the target, and put there once it is whole.
///
/// The hidden file is made at once, so that a target that cannot be written is found before the work and not after it.
final class OutputFile implements AutoCloseable {
    private final Path target;
    private final Path unfinished;

    private OutputFile(Path target, Path unfinished) {
        this.target = target;
        this.unfinished = unfinished;
    }

    /// Makes the hidden file; `option` is named in errors.
    ///
    /// @throws IllegalArgumentException if `target` exists and is no file that could be replaced
    /// @throws IOException if nothing can be written beside it
    static OutputFile create(Path target, String option) throws IOException {
        if (Files.isDirectory(target)) {
            throw new IllegalArgumentException(option + ": expected a file, found the directory " + target);
        }
        if (Files.exists(target) && !Files.isRegularFile(target)) {
            throw new IllegalArgumentException(option + ": expected a file, found the device or pipe " + target);
        }
        Path unfinished = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
        try {
            Files.createFile(unfinished);
        } catch (IOException e) {
            throw new IOException(target + ": cannot be written: " + reason(e), e);
        }
        unfinished.toFile().deleteOnExit(); // Ctrl-C runs no finally
        return new OutputFile(target, unfinished);
    }

    /// Checks that `target` can be written, and leaves nothing behind; throws as [#create] does.
    static void check(Path target, String option) throws IOException {
        create(target, option).close();
    }

    /// Writes a file of text; throws as [#create] does.
    static void write(Path target, String option, String text) throws IOException {
        try (OutputFile file = create(target, option)) {
            Files.writeString(file.unfinished(), text);
            file.publish();
        }
    }

    /// Returns the file to write to.
    Path unfinished() {
        return unfinished;
    }

    /// Puts the file in place of whatever the target was.
    void publish() throws IOException {
        Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
    }

    /// Drops the file unless it was published.
    @Override
    public void close() throws IOException {
        Files.deleteIfExists(unfinished);
    }

    /// The hidden name would not help.
    private static String reason(IOException cause) {
        return switch (cause) {
            case NoSuchFileException e -> "no such directory";
            case AccessDeniedException e -> "permission denied";
            case FileSystemException e when e.getReason() != null -> e.getReason();
            default -> String.valueOf(cause.getMessage());
        };
    }
}
