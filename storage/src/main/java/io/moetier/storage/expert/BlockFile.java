package io.moetier.storage.expert;

import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A file that blocks are written to, whole pages of them past the page cache where the file system does that.
///
/// What goes there is gigabytes that nothing reads before the import is over. The page cache would want memory for
/// them, which a virtual machine may have to ask its host for, and copy them only for the disk to be waited for in the
/// end. For several threads, which write different blocks.
final class BlockFile implements AutoCloseable {
    /// Through the page cache: less than a huge page, since a longer write has the kernel cache it in huge pages, which
    /// take a virtual machine five times the processor time.
    private static final int CACHED_WRITE_BYTES = 1 << 20;

    private final Path path;
    private final FileChannel cached;
    private final WriteBack writeBack;
    /// Gone once the file system has refused a write.
    private volatile @Nullable FileChannel direct;

    private BlockFile(Path path, FileChannel cached, @Nullable FileChannel direct, WriteBack writeBack) {
        this.path = path;
        this.cached = cached;
        this.direct = direct;
        this.writeBack = writeBack;
    }

    /// Opens an existing file. To be closed after the last lock on it, for closing any descriptor drops them all.
    static BlockFile open(Path path, PosixCalls posix) throws IOException {
        FileChannel cached = FileChannel.open(path, StandardOpenOption.WRITE);
        return new BlockFile(path, cached, openDirect(path), WriteBack.of(path, posix));
    }

    private static @Nullable FileChannel openDirect(Path path) {
        try {
            return FileChannel.open(path, StandardOpenOption.WRITE, DirectIo.optionFor(List.of(path)));
        } catch (IOException | UnsupportedOperationException e) {
            return null;
        }
    }

    /// Writes a block to where it belongs, `offset` being a multiple of the page size.
    ///
    /// @throws IOException if the disk is full or fails; the message names the file
    void write(MemorySegment block, long offset) throws IOException {
        long done = writePages(block, offset);
        try {
            for (long at = done; at < block.byteSize(); at += CACHED_WRITE_BYTES) {
                write(cached, block.asSlice(at, Math.min(CACHED_WRITE_BYTES, block.byteSize() - at)), offset + at);
            }
        } catch (IOException e) {
            throw IoFailure.toWrite(path, e);
        }
        writeBack.wrote(block.byteSize() - done);
    }

    /// Writes the whole pages of a block past the page cache; returns how many bytes of it are written by that, none if
    /// the file system refuses.
    private long writePages(MemorySegment block, long offset) throws IOException {
        FileChannel channel = direct;
        long bytes = block.byteSize() / BlockLayout.PAGE_BYTES * BlockLayout.PAGE_BYTES;
        if (channel == null || bytes == 0) {
            return 0;
        }
        try {
            write(channel, block.asSlice(0, bytes), offset);
            return bytes;
        } catch (IOException e) {
            // if it is not for being direct that this fails, writing it in the other way does too, and says why
            direct = null;
            channel.close();
            return 0;
        }
    }

    private static void write(FileChannel channel, MemorySegment bytes, long offset) throws IOException {
        ByteBuffer buffer = bytes.asByteBuffer();
        while (buffer.hasRemaining()) {
            channel.write(buffer, offset + buffer.position());
        }
    }

    @Override
    public void close() throws IOException {
        FileChannel channel = direct;
        try (cached;
                writeBack) {
            if (channel != null) {
                channel.close();
            }
        }
    }
}
