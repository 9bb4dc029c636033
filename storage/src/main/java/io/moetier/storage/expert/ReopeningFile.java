package io.moetier.storage.expert;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A file open for positional reads by many threads, which outlives their interruption.
///
/// Interrupting a thread inside a channel closes the channel for all threads. The file is then opened again, the
/// read repeated and the thread's interrupt flag kept for whoever waits for it.
final class ReopeningFile implements AutoCloseable {
    private static final int MOST_BYTES_PER_READ = 1 << 30;

    private final Path path;
    private final Set<OpenOption> options;
    private final @Nullable Object identity;
    private volatile FileChannel channel;
    private volatile boolean closed;

    private ReopeningFile(Path path, Set<OpenOption> options) throws IOException {
        this.path = path;
        this.options = options;
        this.identity = identity(path);
        this.channel = FileChannel.open(path, options);
    }

    static ReopeningFile open(Path path, OpenOption... more) throws IOException {
        Set<OpenOption> options = new HashSet<>(Set.of(more));
        options.add(StandardOpenOption.READ);
        return new ReopeningFile(path, options);
    }

    Path path() {
        return path;
    }

    long size() throws IOException {
        return Files.size(path);
    }

    /// Fills `destination` from `offset` of the file.
    void readFully(long offset, MemorySegment destination) throws IOException {
        for (long at = 0; at < destination.byteSize(); at += MOST_BYTES_PER_READ) {
            long length = Math.min(MOST_BYTES_PER_READ, destination.byteSize() - at);
            read(offset + at, destination.asSlice(at, length).asByteBuffer(), (int) length);
        }
    }

    /// Reads from `offset` of the file until `destination` holds at least `leastBytes`.
    void read(long offset, ByteBuffer destination, int leastBytes) throws IOException {
        while (destination.position() < leastBytes) {
            long position = offset + destination.position();
            // a direct read ends within a page where the file does, and could not go on there
            boolean endsWithinPage = options.size() > 1 && position % BlockLayout.PAGE_BYTES != 0;
            if (endsWithinPage || readOnce(destination, position) < 0) {
                throw new EOFException("the file ends at " + position + ", before " + (offset + leastBytes));
            }
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (this) {
            closed = true;
            channel.close();
        }
    }

    private int readOnce(ByteBuffer destination, long position) throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                FileChannel current = channel;
                try {
                    return current.read(destination, position);
                } catch (ClosedByInterruptException e) {
                    interrupted |= Thread.interrupted();
                    reopen(current);
                } catch (ClosedChannelException e) {
                    reopen(current);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private synchronized void reopen(FileChannel lost) throws IOException {
        if (closed) {
            throw new IOException("the store was closed");
        }
        if (!channel.equals(lost)) {
            return;
        }
        if (!Objects.equals(identity, identity(path))) {
            throw new IOException("the file was replaced while it was in use");
        }
        channel = FileChannel.open(path, options);
    }

    private static @Nullable Object identity(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    }
}
