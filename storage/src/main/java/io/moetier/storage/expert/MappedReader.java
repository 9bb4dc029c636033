package io.moetier.storage.expert;

import io.moetier.storage.platform.MemoryAdvice;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/// Copies blocks from read-only mappings.
///
/// A Java-level copy turns a fault on a mapped page (the file was truncated, the disk failed) into an `InternalError`;
/// nothing else may ever touch the mapping. What was copied is taken out of the mapping at once: it would count as
/// memory of this process a second time.
final class MappedReader implements BlockReader {
    private final Arena arena;
    private final List<MemorySegment> files = new ArrayList<>();

    @SuppressWarnings("MustBeClosedChecker") // the arena lives as long as the reader, and closes with it
    private MappedReader() {
        arena = Arena.ofShared();
    }

    static MappedReader open(List<Path> paths) throws IOException {
        MappedReader reader = new MappedReader();
        try {
            for (Path path : paths) {
                reader.files.add(map(path, reader.arena));
            }
            return reader;
        } catch (IOException | RuntimeException | Error e) {
            reader.close();
            throw e;
        }
    }

    /// An interrupt closes the channel, which is opened again; the thread stays interrupted.
    private static MemorySegment map(Path path, Arena arena) throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
                    return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
                } catch (ClosedByInterruptException e) {
                    interrupted |= Thread.interrupted();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void read(int file, long offset, long bytes, MemorySegment destination) throws IOException {
        MemorySegment mapped = files.get(file);
        if (offset + bytes > mapped.byteSize()) {
            throw new IOException("the mapping ends at " + mapped.byteSize() + ", before " + (offset + bytes));
        }
        try {
            MemorySegment.copy(mapped, offset, destination, 0, bytes);
        } catch (InternalError e) {
            throw new IOException("the file was cut short or the disk failed under the mapping", e);
        }
        boolean _ = MemoryAdvice.NOT_NEEDED.give(mapped.asSlice(offset, bytes)); // the page cache keeps them
    }

    @Override
    public boolean isPastCache() {
        return false;
    }

    @Override
    public String description() {
        return "mapped";
    }

    @Override
    public void close() {
        arena.close();
    }
}
