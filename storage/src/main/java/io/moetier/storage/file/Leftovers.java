package io.moetier.storage.file;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// What became of the files that killed processes left.
///
/// @param keptBytes of what could not be removed
/// @param reason why the first of them could not
public record Leftovers(long removedBytes, long keptBytes, Optional<String> reason) {
    /// None at all.
    public static final Leftovers NONE = new Leftovers(0, 0, Optional.empty());

    /// Returns these and others.
    public Leftovers plus(Leftovers others) {
        return new Leftovers(
                removedBytes + others.removedBytes,
                keptBytes + others.keptBytes,
                reason.isPresent() ? reason : others.reason);
    }

    /// Returns the names in a directory that begin with a dot; none where it cannot be read.
    public static List<Path> hidden(Path directory) {
        List<Path> hidden = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, ".*")) {
            files.forEach(hidden::add);
        } catch (IOException | DirectoryIteratorException e) {
            return List.of(); // nothing that could be cleared
        }
        hidden.sort(null);
        return hidden;
    }

    /// Returns the bytes of a file or of all files in a directory, as far as they can be seen; follows no links.
    public static long bytes(Path path) {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return 0;
        }
        try (Stream<Path> files = Files.walk(path)) {
            return files.filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        } catch (IOException | UncheckedIOException e) {
            return 0;
        }
    }
}
