package io.moetier.runtime.library;

import io.moetier.storage.file.FileTree;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.memory.ByteSize;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Room in the cache for one more store. Where it is short, somebody at the terminal may give up stores of other
/// models, which their next run makes again.
final class CacheRoom {
    private final CacheFolder folder;
    private final Path cache;
    private final LibraryListener listener;
    private final FreeSpace freeSpace;

    /// Tells how many bytes may still be written into a directory.
    interface FreeSpace {
        long in(Path directory) throws IOException;
    }

    /// A store that could go.
    private record Store(Path directory, long bytes, FileTime lastUse) {
        static Store of(Path directory, FileTime lastUse) throws IOException {
            long bytes = 0;
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    bytes += Files.size(file);
                }
            }
            return new Store(directory, bytes, lastUse);
        }

        String name() {
            String parent = String.valueOf(directory.getName(directory.getNameCount() - 2));
            return parent.replaceFirst("-[0-9a-f]{8}$", "") + " (" + ByteSize.format(bytes) + ")";
        }
    }

    CacheRoom(CacheFolder folder, LibraryListener listener, FreeSpace freeSpace) {
        this.folder = folder;
        this.cache = folder.path();
        this.listener = listener;
        this.freeSpace = freeSpace;
    }

    /// Returns how much the file system of a directory still takes.
    static long onDisk(Path directory) {
        return directory.toFile().getUsableSpace();
    }

    /// Notes that a store is used now, in the time of its folder: that of the last access often does not move.
    static void markUsed(Path store) {
        try {
            Files.setLastModifiedTime(UnfinishedFile.folderOf(store), FileTime.from(Instant.now()));
        } catch (IOException e) {
            // of a cache that somebody else fills, who is the one to make room in it
        }
    }

    /// Sees to it that there is room for one more store. Stores of what its model was before it changed go unasked.
    ///
    /// @param store what must stay
    /// @param needed how many bytes must be free
    /// @throws UncheckedIOException if there is not, and nobody agrees to make room
    void require(Path store, long needed) {
        try {
            Files.createDirectories(UnfinishedFile.folderOf(store));
            if (freeSpace.in(cache) < needed) {
                Stores.removeSiblings(store);
            }
            long free = freeSpace.in(cache);
            if (free >= needed) {
                return;
            }
            List<Store> others = others(store);
            List<Store> going = enough(others, needed - free);
            if (going.isEmpty() || !agrees(going, needed, free)) {
                throw new IOException(shortage(needed, free) + advice(others));
            }
            for (Store other : going) {
                FileTree.delete(other.directory());
                Stores.removeIfEmpty(UnfinishedFile.folderOf(other.directory()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(IoFailure.sentence(e), e);
        }
    }

    private String shortage(long needed, long free) {
        return "not enough space in " + cache + ": need " + ByteSize.format(needed) + ", free " + ByteSize.format(free);
    }

    private String advice(List<Store> others) {
        long bytes = others.stream().mapToLong(Store::bytes).sum();
        String taken = bytes == 0 ? "" : "; stores of other models in it take " + ByteSize.format(bytes);
        return taken + "; " + folder.elsewhere();
    }

    private boolean agrees(List<Store> going, long needed, long free) {
        String names = going.stream().map(Store::name).collect(Collectors.joining(", "));
        return listener.agrees(shortage(needed, free) + "; remove the stores of " + names + "?");
    }

    /// Returns as few of the longest unused as make up `bytes`; none if all together do not.
    private static List<Store> enough(List<Store> others, long bytes) {
        List<Store> going = new ArrayList<>();
        long sum = 0;
        for (Store other : others) {
            if (sum < bytes) {
                going.add(other);
                sum += other.bytes();
            }
        }
        return sum < bytes ? List.of() : going;
    }

    private List<Store> others(Path store) throws IOException {
        List<Store> others = new ArrayList<>();
        for (Path candidate : Stores.imported(cache)) {
            if (Files.exists(candidate.resolve(Stores.MANIFEST)) && !candidate.equals(store)) {
                others.add(Store.of(candidate, Files.getLastModifiedTime(UnfinishedFile.folderOf(candidate))));
            }
        }
        others.sort(Comparator.comparing(Store::lastUse));
        return others;
    }
}
