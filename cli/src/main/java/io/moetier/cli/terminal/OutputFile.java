package io.moetier.cli.terminal;

import io.moetier.storage.file.UnfinishedFile;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/// A file that a command is to write: made under a hidden name beside the target, and put there once it is whole.
///
/// The hidden file is made at once, so that a target that cannot be written is found before the work and not after it.
public final class OutputFile implements AutoCloseable {
    private final UnfinishedFile file;

    private OutputFile(UnfinishedFile file) {
        this.file = file;
    }

    /// Makes the hidden file; `option` is named in errors.
    ///
    /// @throws IllegalArgumentException if `target` exists and is no file that could be replaced
    /// @throws IOException if nothing can be written beside it
    public static OutputFile create(Path target, String option) throws IOException {
        return create(target, option, UnfinishedFile::create);
    }

    /// Does as [#create], but nobody except the owner may read the file.
    public static OutputFile createPrivate(Path target, String option) throws IOException {
        return create(target, option, UnfinishedFile::createPrivate);
    }

    /// How the hidden file is made.
    @FunctionalInterface
    private interface Making {
        UnfinishedFile of(Path target) throws IOException;
    }

    private static OutputFile create(Path target, String option, Making making) throws IOException {
        if (Files.isDirectory(target)) {
            throw new IllegalArgumentException(option + ": expected a file, found the directory " + target);
        }
        if (isStream(target) || (Files.exists(target) && !Files.isRegularFile(target))) {
            throw new IllegalArgumentException(option + ": expected a file, found the device or pipe " + target);
        }
        try {
            UnfinishedFile file = making.of(target);
            UnfinishedFile.clear(UnfinishedFile.folderOf(target)); // what killed commands left there
            return new OutputFile(file);
        } catch (IOException e) {
            throw failure(target, e);
        }
    }

    /// Says whether `target` is the name of a device or of a stream of this process, such as `/dev/stdout`, whatever
    /// that is redirected to: the name is every process's.
    private static boolean isStream(Path target) throws IOException {
        if (!Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        Path folder = target.toAbsolutePath().resolveSibling("").toRealPath();
        return folder.startsWith("/proc") || folder.equals(Path.of("/dev"));
    }

    /// Checks that `target` can be written, and leaves nothing behind; throws as [#create] does.
    public static void check(Path target, String option) throws IOException {
        create(target, option).close();
    }

    /// Writes a file of text; throws as [#create] does.
    public static void write(Path target, String option, String text) throws IOException {
        try (OutputFile file = create(target, option)) {
            try {
                Files.writeString(file.unfinished(), text);
                file.publish();
            } catch (IOException e) {
                throw failure(target, e);
            }
        }
    }

    /// Returns a failure to write whose message names the target and not the hidden file.
    public static IOException failure(Path target, IOException cause) {
        return new IOException(target + ": cannot be written: " + reason(cause), cause);
    }

    /// Returns the file to write to.
    public Path unfinished() {
        return file.path();
    }

    /// Puts the file in place of whatever the target was.
    public void publish() throws IOException {
        file.publish();
    }

    /// Drops the file unless it was published.
    @Override
    public void close() throws IOException {
        file.close();
    }

    /// The hidden name would not help.
    private static String reason(IOException cause) {
        return switch (cause) {
            case NoSuchFileException e -> "no such directory";
            case AccessDeniedException e -> "permission denied";
            case FileSystemException e when e.getReason() != null -> e.getReason();
            default ->
                cause.getCause() instanceof IOException inner ? reason(inner) : String.valueOf(cause.getMessage());
        };
    }
}
