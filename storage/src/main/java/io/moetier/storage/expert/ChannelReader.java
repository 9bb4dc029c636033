package io.moetier.storage.expert;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Reads blocks by position, through the page cache or past it.
final class ChannelReader implements BlockReader {
    private final String name;
    private final boolean isPastCache;
    private final List<ReopeningFile> files = new ArrayList<>();

    private ChannelReader(String name, List<Path> paths, OpenOption... options) throws IOException {
        this.name = name;
        isPastCache = options.length > 0;
        try {
            for (Path path : paths) {
                files.add(ReopeningFile.open(path, options));
            }
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    static ChannelReader open(List<Path> paths) throws IOException {
        return new ChannelReader("pread", paths);
    }

    /// Opens the files for reads through the page cache because direct ones were refused.
    private static ChannelReader openInstead(List<Path> paths, IOException refusal) throws IOException {
        return new ChannelReader("pread (direct refused: " + refusal.getMessage() + ")", paths);
    }

    /// Opens the files past the page cache and tries one page of each.
    ///
    /// @throws IOException if the file system does not do that, with its reason
    static ChannelReader openDirect(List<Path> paths) throws IOException {
        return openDirect(paths, "");
    }

    private static ChannelReader openDirect(List<Path> paths, String remark) throws IOException {
        ChannelReader reader;
        try {
            reader = new ChannelReader("direct" + remark, paths, DirectIo.optionFor(paths));
        } catch (UnsupportedOperationException e) {
            throw new IOException("the file system has no direct reads", e);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment page = arena.allocate(BlockLayout.PAGE_BYTES, BlockLayout.PAGE_BYTES);
            for (ReopeningFile file : reader.files) {
                file.read(0, page.asByteBuffer(), 1);
            }
            return reader;
        } catch (IOException | RuntimeException e) {
            reader.close();
            throw e;
        }
    }

    /// Opens the files past the page cache, or through it where that is refused.
    ///
    /// @param remark what to add to the description where it is not refused, or nothing
    static ChannelReader openPastCache(List<Path> paths, String remark) throws IOException {
        try {
            return openDirect(paths, remark);
        } catch (IOException e) {
            return openInstead(paths, e);
        }
    }

    @Override
    public void read(int file, long offset, long bytes, MemorySegment destination) throws IOException {
        // whole pages: what direct reads demand; the file goes on behind every block
        long pages = BlockLayout.roundUp(bytes, BlockLayout.PAGE_BYTES);
        files.get(file).read(offset, destination.asSlice(0, pages).asByteBuffer(), (int) bytes);
    }

    @Override
    public boolean isPastCache() {
        return isPastCache;
    }

    @Override
    public String description() {
        return name;
    }

    @Override
    public void close() throws IOException {
        for (ReopeningFile file : files) {
            file.close();
        }
    }
}
