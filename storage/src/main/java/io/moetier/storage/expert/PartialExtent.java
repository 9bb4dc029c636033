package io.moetier.storage.expert;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One file of a [PartialStore]: a Chronicle Map of as many blocks as were reserved when it was made.
///
/// Only the process that made it writes to it, for a map that a killed process was writing may be locked for
/// good. It is read by plain channels, also when nobody writes to it any more.
final class PartialExtent implements AutoCloseable {
    private final int number;
    private final Path file;
    private final long blockBytes;
    private final int capacity;
    private final BlockReader reader;
    private @Nullable ExpertMap map;
    private int used;

    private PartialExtent(int number, Path file, long blockBytes, int capacity, @Nullable ExpertMap map)
            throws IOException {
        this.number = number;
        this.file = file;
        this.blockBytes = blockBytes;
        this.capacity = capacity;
        this.map = map;
        this.reader = ChannelReader.openPastCache(List.of(file), "");
    }

    static String fileName(int number) {
        return StoreManifest.expertFileName(number);
    }

    /// Makes the file in `directory`, which reserves its room on the disk.
    ///
    /// @throws IOException if the disk has no room for it; no file is there then
    static PartialExtent create(Path directory, int number, long blockBytes, int capacity, PosixCalls posix)
            throws IOException {
        Path file = directory.resolve(fileName(number));
        ExpertMap map = null;
        try {
            map = ExpertMap.open(file, blockBytes, capacity, posix);
            PartialExtent extent = new PartialExtent(number, file, blockBytes, capacity, map);
            PosixCalls.syncDirectory(directory);
            return extent;
        } catch (IOException | RuntimeException e) {
            if (map != null) {
                map.close();
            }
            Files.deleteIfExists(file);
            throw e;
        }
    }

    /// Opens a file that another process has left, to read it.
    static PartialExtent reopen(Path directory, int number, long blockBytes) throws IOException {
        Path file = directory.resolve(fileName(number));
        long chunks = Files.size(file) / ExpertMap.chunkBytes(blockBytes);
        return new PartialExtent(number, file, blockBytes, (int) Math.min(chunks, Integer.MAX_VALUE), null);
    }

    int number() {
        return number;
    }

    Path file() {
        return file;
    }

    BlockReader reader() {
        return reader;
    }

    long blockBytes() {
        return blockBytes;
    }

    /// Returns how many blocks have room in the file, those among them that it has.
    int capacity() {
        return capacity;
    }

    /// Returns for how many more blocks there is room that may be written to.
    int room() {
        return map == null ? 0 : capacity - used;
    }

    /// Writes a block and waits until the disk has it; returns its offset in the file.
    long put(int id, MemorySegment block) throws IOException {
        ExpertMap open = map;
        if (open == null || used == capacity) {
            throw new IllegalStateException(file + " takes no more blocks");
        }
        used++;
        long offset = open.put(id, block);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(false);
        }
        return offset;
    }

    /// Takes no more blocks from now on.
    void seal() throws IOException {
        ExpertMap open = map;
        map = null;
        if (open != null) {
            open.close();
        }
    }

    @Override
    public void close() throws IOException {
        try (reader) {
            seal();
        }
    }
}
