package io.moetier.storage.expert;

import io.moetier.storage.file.FileTree;
import io.moetier.storage.file.Leftovers;
import io.moetier.storage.file.NameLock;
import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The temporary directory beside a store in which an import grows, and its way to the store's name.
///
/// A new store is published by one rename, a replacement by one exchange of names. Where the file system has no
/// exchange, the old store steps aside under a name that [#resolve] and the next import know, so that it is found
/// if the process ends between the renames. At every moment one complete store can be opened under the target's
/// name.
final class StagingDirectory implements AutoCloseable {
    private static final String NUMBER = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
    /// Others may have hidden files too, so only names are known that nobody else gives.
    private static final Pattern LEFTOVER =
            Pattern.compile("\\.(.+\\.mtier)\\.(?:(?:importing|replaced)-" + NUMBER + "|lock)");
    private static final long POLL_MILLIS = 200;

    private final Path target;
    private final Path path;
    private final NameLock lock;
    private final PosixCalls posix;
    private final boolean replace;

    private StagingDirectory(Path target, Path path, NameLock lock, PosixCalls posix, boolean replace) {
        this.target = target;
        this.path = path;
        this.lock = lock;
        this.posix = posix;
        this.replace = replace;
    }

    /// Locks the target's name, clears away what dead imports of it left, and makes an empty directory beside it.
    ///
    /// @throws IOException if the target exists and may not be replaced, or another import of it is running
    static StagingDirectory create(Path requested, boolean replace, PosixCalls posix) throws IOException {
        Path target = realPath(requested);
        NameLock lock = lock(target);
        try {
            clearLeftovers(target);
            requireFree(target, replace);
            Path path = sibling(target, "importing");
            Files.createDirectory(path);
            return new StagingDirectory(target, path, lock, posix, replace);
        } catch (IOException | RuntimeException | Error e) {
            lock.close();
            throw e;
        }
    }

    /// Waits until no import of the target is running; returns whether there was one, and tells `onWait` first.
    static boolean awaitOthers(Path requested, Runnable onWait) throws IOException, InterruptedException {
        Path target = realPath(requested);
        boolean waits = false;
        while (true) {
            try {
                lock(target).close();
                return waits;
            } catch (ImportRunningException e) {
                if (!waits) {
                    onWait.run();
                }
                waits = true;
                Thread.sleep(POLL_MILLIS);
            }
        }
    }

    /// Clears away what dead imports of any target in `parent` left; an import that is running keeps its own. Links and
    /// files of other names are left alone.
    static Leftovers clearAllLeftovers(Path parent) {
        Set<String> targets = Leftovers.hidden(parent).stream()
                .filter(StagingDirectory::isOwn)
                .map(file -> LEFTOVER.matcher(String.valueOf(file.getFileName())))
                .filter(Matcher::matches)
                .map(leftover -> leftover.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        return targets.stream().map(name -> clear(parent, name)).reduce(Leftovers.NONE, Leftovers::plus);
    }

    /// A lock is an empty file, everything else a directory.
    private static boolean isOwn(Path file) {
        return file.toString().endsWith(".lock")
                ? Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                        && file.toFile().length() == 0
                : Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS);
    }

    private static Leftovers clear(Path parent, String name) {
        Path target = parent.resolve(name);
        long before = leftoverBytes(target);
        try {
            target = parent.toRealPath().resolve(name);
            try (NameLock _ = lock(target)) {
                clearLeftovers(target);
                return new Leftovers(before - leftoverBytes(target), 0, Optional.empty());
            }
        } catch (ImportRunningException e) {
            return Leftovers.NONE;
        } catch (IOException e) {
            long left = leftoverBytes(target);
            return new Leftovers(before - left, left, Optional.of(target + ": " + IoFailure.reason(e)));
        }
    }

    private static long leftoverBytes(Path target) {
        return leftovers(target).stream().mapToLong(Leftovers::bytes).sum();
    }

    private static List<Path> leftovers(Path target) {
        return Leftovers.hidden(parent(target.toAbsolutePath())).stream()
                .filter(StagingDirectory::isOwn)
                .filter(file -> isOf(target, String.valueOf(file.getFileName())))
                .toList();
    }

    private static boolean isOf(Path target, String name) {
        return name.startsWith(prefix(target, "importing")) || name.startsWith(prefix(target, "replaced"));
    }

    /// Returns where the store called `directory` is: there, or aside if its replacement was cut short.
    static Path resolve(Path directory) throws IOException {
        if (Files.exists(directory)) {
            return directory;
        }
        Path aside = setAside(directory.toAbsolutePath().normalize());
        return aside == null ? directory : aside;
    }

    Path path() {
        return path;
    }

    /// Gives the directory its final name; a store that had it before is then here, for [#close] to delete. All
    /// files in it are durable already.
    void publish() throws IOException {
        requireFree(target, replace);
        if (!Files.exists(target)) {
            Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
        } else if (!posix.exchange(path, target)) {
            exchangeInThreeSteps();
        }
        PosixCalls.syncDirectory(parent(target));
    }

    /// Deletes what was not published or was replaced, and frees the target's name.
    @Override
    public void close() throws IOException {
        try {
            if (Files.exists(path)) {
                deleteTree(path);
            }
        } finally {
            lock.close();
        }
    }

    private void exchangeInThreeSteps() throws IOException {
        Path old = sibling(target, "replaced");
        Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
        Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
        Files.move(old, path, StandardCopyOption.ATOMIC_MOVE);
    }

    /// Resolves symbolic links: one that names the store stays, and the directory it names is replaced.
    private static Path realPath(Path requested) throws IOException {
        if (Files.exists(requested)) {
            return requested.toRealPath();
        }
        Path target = requested.toAbsolutePath().normalize();
        try {
            Files.createDirectories(parent(target));
            return parent(target).toRealPath().resolve(target.getFileName());
        } catch (FileSystemException e) {
            throw refused(target, e);
        }
    }

    private static NameLock lock(Path target) throws IOException {
        try {
            return NameLock.acquire(target.resolveSibling("." + target.getFileName() + ".lock"))
                    .orElseThrow(() -> new ImportRunningException(target));
        } catch (FileSystemException e) {
            throw refused(target, e);
        }
    }

    private static IOException refused(Path target, FileSystemException cause) {
        return new IOException(parent(target) + ": no store can be made there: " + IoFailure.reason(cause), cause);
    }

    private static void requireFree(Path target, boolean replace) throws IOException {
        if (!Files.exists(target)) {
            if (Files.isSymbolicLink(target)) {
                throw new IOException(
                        target + " is a link to " + Files.readSymbolicLink(target) + ", which does not exist");
            }
            return;
        }
        if (!replace) {
            throw new IOException(target + " exists already");
        }
        if (!looksLikeStore(target)) {
            throw new IOException(target + " exists and is not an expert store, so it is not replaced");
        }
    }

    private static boolean looksLikeStore(Path target) throws IOException {
        if (!Files.isDirectory(target)) {
            return false;
        }
        List<String> names = names(target);
        return names.isEmpty()
                || names.contains(StoreManifest.FILE_NAME)
                || names.stream().anyMatch(name -> name.endsWith(StoreManifest.EXPERT_FILE_SUFFIX));
    }

    private static void clearLeftovers(Path target) throws IOException {
        Path aside = setAside(target);
        if (aside != null && !Files.exists(target)) {
            Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
        }
        for (Path leftover : leftovers(target)) {
            deleteTree(leftover);
        }
    }

    private static @Nullable Path setAside(Path target) throws IOException {
        Path parent = target.getParent();
        if (parent == null || !Files.isDirectory(parent)) {
            return null;
        }
        for (String name : names(parent)) {
            Path candidate = target.resolveSibling(name);
            if (name.startsWith(prefix(target, "replaced"))
                    && Files.exists(candidate.resolve(StoreManifest.FILE_NAME))) {
                return candidate;
            }
        }
        return null;
    }

    private static Path sibling(Path target, String purpose) {
        return target.resolveSibling(prefix(target, purpose) + UUID.randomUUID());
    }

    private static String prefix(Path target, String purpose) {
        return "." + target.getFileName() + "." + purpose + "-";
    }

    private static Path parent(Path target) {
        Path parent = target.getParent();
        if (parent == null) {
            throw new IllegalArgumentException(target + " has no parent directory");
        }
        return parent;
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> String.valueOf(file.getFileName())).toList();
        }
    }

    /// Deletes the manifest first, so that a deletion cut short never leaves something that looks complete.
    private static void deleteTree(Path directory) throws IOException {
        Files.deleteIfExists(directory.resolve(StoreManifest.FILE_NAME));
        FileTree.delete(directory);
    }
}
