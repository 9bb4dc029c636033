package io.moetier.cli.models;

import io.moetier.cli.terminal.ByteSize;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Streams;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Room in the cache for one more store. Where it is short, somebody at the terminal may give up stores of other
/// models, which their next run makes again.
final class CacheRoom {
    private final Path cache;
    private final Streams streams;
    private final boolean canAsk;
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

    /// @param canAsk whether somebody reads the error stream and answers on the input
    CacheRoom(Path cache, Streams streams, boolean canAsk, FreeSpace freeSpace) {
        this.cache = cache;
        this.streams = streams;
        this.canAsk = canAsk;
        this.freeSpace = freeSpace;
    }

    /// Returns how much the file system of a directory still takes.
    static long onDisk(Path directory) throws IOException {
        return Files.getFileStore(directory).getUsableSpace();
    }

    /// Notes that a store is used now, in the time of its folder: that of the last access often does not move.
    static void markUsed(Path store) {
        try {
            Files.setLastModifiedTime(OutputFile.folderOf(store), FileTime.from(Instant.now()));
        } catch (IOException e) {
            // of a cache that somebody else fills, who is the one to make room in it
        }
    }

    /// Sees to it that there is room for one more store. Stores of what its model was before it changed go unasked.
    ///
    /// @param store what must stay
    /// @param needed how many bytes must be free
    /// @throws UncheckedIOException if there is not, and the user cannot be asked or does not want to
    void require(Path store, long needed) {
        try {
            Files.createDirectories(OutputFile.folderOf(store));
            if (freeSpace.in(cache) < needed) {
                Stores.removeSiblings(store);
            }
            long free = freeSpace.in(cache);
            if (free >= needed) {
                return;
            }
            List<Store> others = others(store);
            List<Store> going = enough(others, needed - free);
            if (going.isEmpty() || !canAsk || !agrees(going, needed, free)) {
                throw new IOException(shortage(needed, free) + advice(others));
            }
            for (Store other : going) {
                Stores.remove(other.directory());
                Stores.removeIfEmpty(OutputFile.folderOf(other.directory()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    private String shortage(long needed, long free) {
        return "not enough space in " + cache + ": need " + ByteSize.format(needed) + ", free " + ByteSize.format(free);
    }

    private static String advice(List<Store> others) {
        long bytes = others.stream().mapToLong(Store::bytes).sum();
        String taken = bytes == 0 ? "" : "; stores of other models in it take " + ByteSize.format(bytes);
        return taken + "; MOETIER_CACHE names another directory";
    }

    private boolean agrees(List<Store> going, long needed, long free) throws IOException {
        String names = going.stream().map(Store::name).collect(Collectors.joining(", "));
        streams.ask(shortage(needed, free) + "; remove the stores of " + names + "? [y/N] ");
        String answer = readLine(streams.in()).strip().toLowerCase(Locale.ROOT);
        return answer.equals("y") || answer.equals("yes");
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
        for (Path model : list(cache)) {
            for (Path candidate : Files.isDirectory(model) ? list(model) : List.<Path>of()) {
                if (Files.exists(candidate.resolve(Stores.MANIFEST))
                        && !candidate.equals(store)
                        && !String.valueOf(candidate.getFileName()).startsWith(".")) {
                    others.add(Store.of(candidate, Files.getLastModifiedTime(model)));
                }
            }
        }
        others.sort(Comparator.comparing(Store::lastUse));
        return others;
    }

    private static List<Path> list(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        }
    }

    /// Reads no further than the line's end: what follows may be for the prompt.
    private static String readLine(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = in.read(); next >= 0 && next != '\n'; next = in.read()) {
            line.write(next);
        }
        return line.toString(StandardCharsets.UTF_8);
    }
}
