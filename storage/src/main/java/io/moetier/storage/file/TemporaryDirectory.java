package io.moetier.storage.file;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A directory for a while, which nobody but its owner may read or write.
///
/// It goes with all that is in it when it is closed. A killed process leaves it; whoever makes the next one beside it
/// removes what nobody works at any more, which a lock beside the directory tells: it is taken before the directory is
/// made and given back after the directory has gone.
public final class TemporaryDirectory implements AutoCloseable {
    private static final Pattern NAME =
            Pattern.compile("(moetier-[a-z]+-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:[.]lock)?");

    private final Path path;
    private final Optional<NameLock> lock;

    private TemporaryDirectory(Path path, Optional<NameLock> lock) {
        this.path = path;
        this.lock = lock;
    }

    /// Makes an empty directory in `parent`.
    ///
    /// @param purpose a word of small letters, for its name
    /// @throws IOException if it cannot be made
    public static TemporaryDirectory create(Path parent, String purpose) throws IOException {
        Path path = parent.toRealPath().resolve("moetier-" + purpose + "-" + UUID.randomUUID());
        Optional<NameLock> lock = Optional.empty();
        try {
            lock = NameLock.acquire(lockFile(path));
        } catch (IOException e) {
            Files.deleteIfExists(lockFile(path)); // a file system without locks, where nobody can clear away anything
        }
        try {
            // One that is there is another user's, who has seen the name of the lock.
            Files.createDirectory(path, UnfinishedFile.privately(path, "rwx------"));
        } catch (IOException e) {
            UnfinishedFile.release(lock);
            throw e;
        }
        clearOthers(path);
        return new TemporaryDirectory(path, lock);
    }

    /// Returns where it is.
    public Path path() {
        return path;
    }

    /// Deletes the directory with the files that it has now when the JVM ends.
    public void closeAtExit() throws IOException {
        lockFile(path).toFile().deleteOnExit(); // of what is registered, the last goes first
        path.toFile().deleteOnExit();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
            files.forEach(file -> file.toFile().deleteOnExit());
        }
    }

    /// Deletes the directory with all that is in it.
    @Override
    public void close() throws IOException {
        try {
            FileTree.delete(path);
        } catch (NoSuchFileException e) {
            // somebody clears away what is old
        } finally {
            UnfinishedFile.release(lock);
        }
    }

    private static Path lockFile(Path path) {
        return path.resolveSibling(path.getFileName() + ".lock");
    }

    /// Removes what killed processes of the same user left beside a directory: in one of all users another's could lead
    /// anywhere.
    private static void clearOthers(Path path) {
        Set<Path> others = new TreeSet<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(path.resolveSibling(""), "moetier-*")) {
            for (Path file : all) {
                Matcher name = NAME.matcher(String.valueOf(file.getFileName()));
                if (name.matches()) {
                    others.add(path.resolveSibling(name.group(1)));
                }
            }
            UserPrincipal user = Files.getOwner(path);
            for (Path other : others) {
                clear(other, user);
            }
        } catch (IOException | DirectoryIteratorException e) {
            // left to the next one
        }
    }

    private static void clear(Path left, UserPrincipal user) {
        try {
            if (!isOf(user, left) || !isOf(user, lockFile(left))) {
                return;
            }
            Optional<NameLock> free = NameLock.acquire(lockFile(left));
            if (free.isPresent()) {
                try (NameLock _ = free.get()) {
                    FileTree.delete(left);
                }
            }
        } catch (NoSuchFileException e) {
            // gone meanwhile, or only its lock was there
        } catch (IOException e) {
            // left to the next one
        }
    }

    private static boolean isOf(UserPrincipal user, Path file) throws IOException {
        return !Files.exists(file, LinkOption.NOFOLLOW_LINKS)
                || Files.getOwner(file, LinkOption.NOFOLLOW_LINKS).equals(user);
    }
}
