package io.moetier.runtime.hub;

import io.moetier.storage.file.NameLock;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;
import java.util.Optional;

/// A file of which parts are there, in any order, and the note beside it of which these are.
///
/// The file has its whole length from the beginning, in `NAME.moetier.incomplete`: not in the `NAME.incomplete` of the
/// hub's own tools, who would take the length for how far it has come. `NAME.moetier.ranges` has a bit for each chunk.
///
/// Order: chunks are written, then made safe, then noted, and the note is made safe; so whatever a crash leaves of the
/// note is true. Where a file begins anew the note is emptied first.
///
/// Threads: any may write chunks and say that they have arrived. `NAME.moetier.lock` keeps other processes away.
final class PartialFile implements AutoCloseable {
    private static final long MAGIC = 0x4D54_5241_4E47_4531L;
    private static final int HEADER = 2 * Long.BYTES + Integer.BYTES;

    private final Path target;
    private final NameLock lock;
    private final FileChannel data;
    private final FileChannel note;
    private final BitSet arrived; // guarded by this
    private boolean unnoted; // guarded by this
    private long lastNote = System.nanoTime(); // guarded by this

    private PartialFile(Path target, NameLock lock, FileChannel data, FileChannel note, BitSet arrived) {
        this.target = target;
        this.lock = lock;
        this.data = data;
        this.note = note;
        this.arrived = arrived;
    }

    /// Opens the parts that are there of what will be `target`; nothing if somebody else works at it.
    static Optional<PartialFile> open(Path target, long bytes, int chunkBytes) throws IOException {
        Path folder = UnfinishedFile.folderOf(target);
        Files.createDirectories(folder);
        Optional<NameLock> lock = NameLock.acquire(folder.toRealPath().resolve(name(target, "lock")));
        if (lock.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(open(target, lock.get(), bytes, chunkBytes));
        } catch (IOException | RuntimeException e) {
            lock.get().close();
            throw e;
        }
    }

    private static PartialFile open(Path target, NameLock lock, long bytes, int chunkBytes) throws IOException {
        FileChannel note = openChannel(target.resolveSibling(name(target, "ranges")));
        try {
            FileChannel data = openChannel(target.resolveSibling(name(target, "incomplete")));
            try {
                BitSet arrived = data.size() == bytes ? read(note, bytes, chunkBytes) : new BitSet();
                if (arrived.isEmpty()) {
                    begin(target, data, note, bytes, chunkBytes);
                }
                return new PartialFile(target, lock, data, note, arrived);
            } catch (IOException | RuntimeException e) {
                data.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            note.close();
            throw e;
        }
    }

    private static FileChannel openChannel(Path file) throws IOException {
        return FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS);
    }

    private static String name(Path target, String kind) {
        return target.getFileName() + ".moetier." + kind;
    }

    /// Returns how many bytes are there of what will be `target`, as far as can be told without keeping others away.
    static long arrivedBytes(Path target, long bytes, int chunkBytes) throws IOException {
        Path note = target.resolveSibling(name(target, "ranges"));
        if (!Files.isRegularFile(note, LinkOption.NOFOLLOW_LINKS)) {
            return 0;
        }
        try (FileChannel channel = FileChannel.open(note)) {
            return arrivedBytes(read(channel, bytes, chunkBytes), bytes, chunkBytes);
        }
    }

    /// Returns how many bytes an unfinished file has on disk.
    static long arrivedBytes(Path incomplete) throws IOException {
        Path note = incomplete.resolveSibling(
                String.valueOf(incomplete.getFileName()).replaceFirst("incomplete$", "ranges"));
        if (!Files.isRegularFile(note, LinkOption.NOFOLLOW_LINKS)) {
            return 0;
        }
        try (FileChannel channel = FileChannel.open(note)) {
            ByteBuffer header = ByteBuffer.allocate(HEADER);
            if (channel.read(header, 0) < HEADER) {
                return 0;
            }
            int chunkBytes = header.getInt(2 * Long.BYTES);
            long bytes = header.getLong(Long.BYTES);
            return bytes < 0 || chunkBytes <= 0 ? 0 : arrivedBytes(read(channel, bytes, chunkBytes), bytes, chunkBytes);
        }
    }

    /// Says whether a file is the note of an unfinished one.
    static boolean isNote(Path file) {
        return String.valueOf(file.getFileName()).endsWith(".moetier.ranges");
    }

    /// Says whether a file is an unfinished one of ours.
    static boolean isUnfinished(Path file) {
        return String.valueOf(file.getFileName()).endsWith(".moetier.incomplete");
    }

    /// Says whether a file is a lock that somebody holds.
    static boolean isHeld(Path file) throws IOException {
        if (!String.valueOf(file.getFileName()).endsWith(".moetier.lock")) {
            return false;
        }
        Optional<NameLock> lock =
                NameLock.acquire(UnfinishedFile.folderOf(file).toRealPath().resolve(file.getFileName()));
        if (lock.isPresent()) {
            lock.get().close();
        }
        return lock.isEmpty();
    }

    private static long arrivedBytes(BitSet arrived, long bytes, int chunkBytes) {
        return arrived.stream()
                .mapToLong(chunk -> Math.min(chunkBytes, bytes - (long) chunk * chunkBytes))
                .sum();
    }

    private static BitSet read(FileChannel note, long bytes, int chunkBytes) throws IOException {
        long chunks = (bytes + chunkBytes - 1) / chunkBytes;
        if (note.size() < HEADER || note.size() > HEADER + (chunks + 7) / 8) {
            return new BitSet();
        }
        ByteBuffer buffer = ByteBuffer.allocate((int) note.size());
        while (buffer.hasRemaining() && note.read(buffer, buffer.position()) >= 0) {
            // goes on
        }
        buffer.flip();
        if (buffer.remaining() < HEADER
                || buffer.getLong() != MAGIC
                || buffer.getLong() != bytes
                || buffer.getInt() != chunkBytes) {
            return new BitSet();
        }
        BitSet arrived = BitSet.valueOf(buffer);
        return arrived.length() <= chunks ? arrived : new BitSet();
    }

    private static void begin(Path target, FileChannel data, FileChannel note, long bytes, int chunkBytes)
            throws IOException {
        note.truncate(0);
        note.force(true);
        data.truncate(0);
        if (bytes > 0) {
            write(target, data, ByteBuffer.allocate(1), bytes - 1);
        }
        ByteBuffer header = ByteBuffer.allocate(HEADER);
        header.putLong(MAGIC).putLong(bytes).putInt(chunkBytes).flip();
        write(target, note, header, 0);
    }

    /// Returns which chunks are there.
    synchronized BitSet arrived() {
        return (BitSet) arrived.clone();
    }

    void write(ByteBuffer bytes, long offset) throws IOException {
        write(target, data, bytes, offset);
    }

    /// Where the disk is full the system says that, but not of which file.
    private static void write(Path target, FileChannel channel, ByteBuffer bytes, long offset) throws IOException {
        long next = offset;
        try {
            while (bytes.hasRemaining()) {
                next += channel.write(bytes, next);
            }
        } catch (IOException e) {
            throw IoFailure.toWrite(target, e);
        }
    }

    /// Fills `bytes` with what is there from `offset` on.
    void read(ByteBuffer bytes, long offset) throws IOException {
        long next = offset;
        while (bytes.hasRemaining()) {
            int read = data.read(bytes, next);
            if (read < 0) {
                throw new IOException(target + ": somebody else has cut what was downloaded");
            }
            next += read;
        }
    }

    /// Takes that a chunk has been written.
    synchronized void markArrived(int chunk) {
        arrived.set(chunk);
        unnoted = true;
    }

    /// Says whether something has arrived that is not noted, and the last note is old enough.
    synchronized boolean isDue(long nanosBetween) {
        return unnoted && System.nanoTime() - lastNote >= nanosBetween;
    }

    /// Makes all that has arrived safe, and notes it. Others may go on writing meanwhile.
    void keep() throws IOException {
        synchronized (note) {
            BitSet written;
            synchronized (this) {
                if (!unnoted) {
                    return;
                }
                written = arrived();
                unnoted = false;
                lastNote = System.nanoTime();
            }
            data.force(true);
            write(target, note, ByteBuffer.wrap(written.toByteArray()), HEADER);
            note.force(true);
        }
    }

    /// Makes it the target.
    void publish() throws IOException {
        data.force(true);
        Files.move(incomplete(), target, StandardCopyOption.ATOMIC_MOVE);
        Files.deleteIfExists(target.resolveSibling(name(target, "ranges")));
    }

    /// Drops all that has arrived.
    void drop() throws IOException {
        note.truncate(0);
        note.force(true);
        Files.deleteIfExists(incomplete());
        Files.deleteIfExists(target.resolveSibling(name(target, "ranges")));
    }

    private Path incomplete() {
        return target.resolveSibling(name(target, "incomplete"));
    }

    @Override
    public void close() throws IOException {
        try (lock;
                note;
                data) {
            if (Files.exists(incomplete(), LinkOption.NOFOLLOW_LINKS)) {
                keep();
            }
        }
    }
}
