package io.moetier.storage.expert;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// One way to get a block from its file into anonymous memory. Several threads may read at once.
sealed interface BlockReader extends AutoCloseable permits MappedReader, ChannelReader, AutoReader {
    /// Copies `bytes` bytes from `offset` of expert file `file` to the start of `destination`, which may be filled
    /// up to the next page.
    ///
    /// @throws IOException if the file cannot be read there
    void read(int file, long offset, long bytes, MemorySegment destination) throws IOException;

    /// Says whether blocks never come into the page cache.
    boolean isPastCache();

    /// Returns which way it is, and why if that was not given.
    String description();

    @Override
    void close() throws IOException;
}
