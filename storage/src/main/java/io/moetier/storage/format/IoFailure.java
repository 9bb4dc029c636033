package io.moetier.storage.format;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/// Says in words why the operating system refused; the JDK's own messages are often the bare file name.
public final class IoFailure {
    /// What the system says where a process, or all of them, may open no more.
    public static final String TOO_MANY_FILES = "Too many open files";

    private IoFailure() {}

    /// Says whether a failure comes of a limit of open files, be it a cause of it. Such a one tells nothing of the file
    /// that was to be opened, which may be whole.
    public static boolean isForWantOfFiles(Throwable failure) {
        return Stream.iterate(failure, Objects::nonNull, Throwable::getCause)
                .anyMatch(cause -> String.valueOf(cause.getMessage()).contains(TOO_MANY_FILES));
    }

    /// Returns a failure to write `file` whose message names it.
    public static IOException toWrite(Path file, IOException failure) {
        return new IOException(file + ": cannot be written: " + reason(failure), failure);
    }

    /// Returns a failure to read `file` whose message names it.
    public static IOException toRead(Path file, IOException failure) {
        return new IOException(file + ": cannot be read: " + reason(failure), failure);
    }

    /// Returns why `file` cannot be reached, if it cannot: what a folder hides from this user may be there all the
    /// same.
    public static Optional<String> toReach(Path file) {
        try {
            file.getFileSystem().provider().checkAccess(file);
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(reason(e));
        }
    }

    /// Returns the reason behind the file's name, as far as the failure knows it.
    public static String sentence(IOException failure) {
        return failure instanceof FileSystemException e && e.getFile() != null
                ? e.getFile() + ": " + reason(e)
                : reason(failure);
    }

    /// Returns the reason without the file's name.
    public static String reason(IOException failure) {
        return switch (failure) {
            case AccessDeniedException _ -> "permission denied";
            case FileAlreadyExistsException _ -> "a file of that name exists";
            case NoSuchFileException _ -> "no such file or directory";
            case CharacterCodingException _ -> "not UTF-8 text";
            case ClosedByInterruptException _ -> "interrupted";
            case FileSystemException e when e.getReason() != null -> e.getReason();
            default ->
                Objects.requireNonNullElse(
                        failure.getMessage(), failure.getClass().getSimpleName());
        };
    }
}
