package io.moetier.storage.expert;

import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/// Which blocks a [PartialStore] has, and where: records of one length with a checksum each, the newest of an expert
/// being right.
///
/// A record is appended after the block that it tells of is on the disk, and is there when it is whole: whatever was
/// torn, or has no checksum that is right, tells of nothing.
final class PartialJournal implements AutoCloseable {
    static final String FILE_NAME = "blocks.journal";
    static final int RECORD_BYTES = 32;

    private final Path file;
    private final FileChannel channel;
    private long end;

    private PartialJournal(Path file, FileChannel channel, long end) {
        this.file = file;
        this.channel = channel;
        this.end = end;
    }

    /// @param extent the number of the file that holds the block, or [#GONE]
    record Line(int id, int extent, long offset, long blockBytes, int crc32c) {
        static final int GONE = -1;

        private byte[] bytes() {
            ByteBuffer buffer = ByteBuffer.allocate(RECORD_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            buffer.putInt(id).putInt(extent).putLong(offset).putLong(blockBytes).putInt(crc32c);
            return buffer.putInt(checksum(buffer.array())).array();
        }

        private static int checksum(byte[] record) {
            return Checksums.of(Arrays.copyOf(record, RECORD_BYTES - Integer.BYTES));
        }
    }

    /// Returns the records of a journal that are whole, oldest first; none if there is no journal.
    ///
    /// @throws IOException if it cannot be read
    static List<Line> read(Path file) throws IOException {
        List<Line> records = new ArrayList<>();
        if (!Files.exists(file)) {
            return records;
        }
        byte[] bytes = Files.readAllBytes(file);
        for (int at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
            byte[] record = Arrays.copyOfRange(bytes, at, at + RECORD_BYTES);
            ByteBuffer buffer = ByteBuffer.wrap(record).order(ByteOrder.LITTLE_ENDIAN);
            Line read = new Line(buffer.getInt(), buffer.getInt(), buffer.getLong(), buffer.getLong(), buffer.getInt());
            if (buffer.getInt() == Line.checksum(record)) {
                records.add(read);
            }
        }
        return records;
    }

    /// Puts a journal of these records in place of whatever was there, and opens it to append.
    static PartialJournal replace(Path file, Collection<Line> records) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(RECORD_BYTES, records.size()));
        records.forEach(record -> bytes.put(record.bytes()));
        try (UnfinishedFile unfinished = UnfinishedFile.create(file)) {
            try (FileChannel channel = FileChannel.open(unfinished.path(), StandardOpenOption.WRITE)) {
                writeFully(channel, bytes.flip());
                channel.force(true);
            }
            unfinished.publish();
        } catch (IOException e) {
            throw IoFailure.toWrite(file, e);
        }
        PosixCalls.syncDirectory(UnfinishedFile.folderOf(file));
        FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        return new PartialJournal(file, channel, bytes.limit());
    }

    /// Adds a record, which is on the disk when this returns.
    ///
    /// @throws IOException if it may not be
    void append(Line record) throws IOException {
        try {
            if (channel.size() != end) {
                channel.truncate(end); // what an append that failed has left
            }
            writeFully(channel, ByteBuffer.wrap(record.bytes()));
            channel.force(false);
            end += RECORD_BYTES;
        } catch (IOException e) {
            throw IoFailure.toWrite(file, e);
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
