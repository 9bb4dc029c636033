package io.moetier.storage.file;

import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A file that is being made under a hidden name beside its target, and gets the target's name once it is whole.
///
/// It goes when it is closed before that, and when the process ends by itself or by a signal. A killed process leaves
/// it; [#clear] removes what nobody works at any more, which a lock beside the file tells: it is taken before the file
/// is made and given back after the file has gone.
public final class UnfinishedFile implements AutoCloseable {
    private static final Pattern NAME = Pattern.compile("(\\..+\\.moetier-[0-9a-f]{16})\\.(?:tmp|lock)");
    /// The first number that this process gives. It gives the lowest that is free, for what is registered to go at the
    /// end of the process stays registered, and only a name that was there already takes no more memory.
    private static final long FIRST = new SecureRandom().nextLong();

    private final Path target;
    private final Path path;
    private final Optional<NameLock> lock;

    private UnfinishedFile(Path target, Path path, Optional<NameLock> lock) {
        this.target = target;
        this.path = path;
        this.lock = lock;
    }

    /// Makes an empty file beside `target`.
    ///
    /// @throws IOException if nothing can be written there
    public static UnfinishedFile create(Path target) throws IOException {
        return create(target, new FileAttribute<?>[0]);
    }

    /// Makes an empty file beside `target` that nobody but its owner may read or write, where the file system knows
    /// owners; so will be the target.
    ///
    /// @throws IOException if nothing can be written there
    public static UnfinishedFile createPrivate(Path target) throws IOException {
        return create(target, privately(target, "rw-------"));
    }

    /// Makes the directories up to `directory` that are not there, for nobody but their owner.
    ///
    /// @throws IOException if they cannot be made
    public static void createPrivateDirectories(Path directory) throws IOException {
        Files.createDirectories(directory, privately(directory, "rwx------"));
    }

    static FileAttribute<?>[] privately(Path path, String permissions) {
        boolean owners = path.getFileSystem().supportedFileAttributeViews().contains("posix");
        return owners
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
                }
                : new FileAttribute<?>[0];
    }

    private static UnfinishedFile create(Path target, FileAttribute<?>[] attributes) throws IOException {
        Path absolute = target.toAbsolutePath().normalize();
        Path directory = absolute.resolveSibling("").toRealPath();
        for (long next = FIRST; ; next++) {
            String number = HexFormat.of().toHexDigits(next);
            String stem = "." + absolute.getFileName() + ".moetier-" + number;
            Path path = directory.resolve(stem + ".tmp");
            Path lockFile = directory.resolve(stem + ".lock");
            Optional<NameLock> lock = Optional.empty();
            lockFile.toFile().deleteOnExit(); // of what is registered, the last goes first
            path.toFile().deleteOnExit();
            try {
                lock = NameLock.acquire(lockFile);
                if (lock.isEmpty()) {
                    continue; // another of this process's, or somebody clears away what seemed to be left
                }
            } catch (IOException e) {
                Files.deleteIfExists(lockFile); // a file system without locks, where nobody can clear away anything
            }
            try {
                Files.createFile(path, attributes);
                return new UnfinishedFile(absolute, path, lock);
            } catch (FileAlreadyExistsException e) {
                release(lock); // where there are no locks
            } catch (IOException e) {
                release(lock);
                throw e;
            }
        }
    }

    /// Returns the file to write to.
    public Path path() {
        return path;
    }

    /// Puts the file in place of whatever the target was.
    public void publish() throws IOException {
        Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
    }

    /// Drops the file unless it was published.
    @Override
    public void close() throws IOException {
        try {
            Files.deleteIfExists(path);
        } finally {
            release(lock);
        }
    }

    /// Removes the files in `directory` that killed processes left.
    public static Leftovers clear(Path directory) {
        Set<String> stems = new TreeSet<>();
        for (Path file : Leftovers.hidden(directory)) {
            Matcher name = NAME.matcher(String.valueOf(file.getFileName()));
            if (name.matches() && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                stems.add(name.group(1));
            }
        }
        return stems.stream().map(stem -> clear(directory, stem)).reduce(Leftovers.NONE, Leftovers::plus);
    }

    private static Leftovers clear(Path directory, String stem) {
        Path file = directory.resolve(stem + ".tmp");
        long bytes = Leftovers.bytes(file);
        try (NameLock lock =
                NameLock.acquire(directory.toRealPath().resolve(stem + ".lock")).orElse(null)) {
            if (lock == null) {
                return Leftovers.NONE; // somebody works at it
            }
            Files.deleteIfExists(file);
            return new Leftovers(bytes, 0, Optional.empty());
        } catch (IOException e) {
            return new Leftovers(0, bytes, Optional.of(file + ": " + IoFailure.reason(e)));
        }
    }

    static void release(Optional<NameLock> lock) throws IOException {
        if (lock.isPresent()) {
            lock.get().close();
        }
    }

    /// Returns the folder that a file is in, or would be.
    public static Path folderOf(Path file) {
        return file.toAbsolutePath().resolveSibling(".").normalize();
    }
}
