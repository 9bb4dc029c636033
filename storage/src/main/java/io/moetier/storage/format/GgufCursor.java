package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/// Reads the little-endian values of a GGUF header one after another.
///
/// Whatever is to be read is first held against the bytes that are left, so that a damaged length is refused before
/// anything of that size is allocated. Confined to one thread.
final class GgufCursor {
    /// No vocabulary comes near this; a longer header would only fill the heap.
    static final long MAX_HEADER_BYTES = 256L << 20;

    private static final int BUFFER_BYTES = 1 << 16;

    private final Path file;
    private final ReadableByteChannel channel;
    private final long fileBytes;
    private final ByteBuffer buffer;
    private final CRC32C checksum = new CRC32C();
    /// Of the buffer's first byte.
    private long bufferAt;

    /// @param channel at the file's beginning
    GgufCursor(Path file, ReadableByteChannel channel, long fileBytes) {
        this.file = file;
        this.channel = channel;
        this.fileBytes = fileBytes;
        this.buffer = ByteBuffer.allocate(Math.clamp(fileBytes, Long.BYTES, BUFFER_BYTES))
                .order(ByteOrder.LITTLE_ENDIAN)
                .limit(0);
    }

    /// Returns how many bytes have been read.
    long position() {
        return bufferAt + buffer.position();
    }

    /// Returns the CRC32C of the bytes read so far, after which nothing more can be read.
    long finish() {
        checksum.update(buffer.flip());
        return checksum.getValue();
    }

    int readByte(String field) {
        require(1, field);
        return buffer.get();
    }

    int readShort(String field) {
        require(Short.BYTES, field);
        return buffer.getShort();
    }

    int readInt(String field) {
        require(Integer.BYTES, field);
        return buffer.getInt();
    }

    long readLong(String field) {
        require(Long.BYTES, field);
        return buffer.getLong();
    }

    /// Reads a number of things each of which takes at least `leastBytes` of what is left of the file.
    int readCount(String field, long leastBytes) {
        long count = readLong(field);
        long most = Math.min(left() / leastBytes, Integer.MAX_VALUE - 8);
        if (count < 0 || count > most) {
            throw MalformedModelException.of(
                    file,
                    field,
                    "at most " + most + ", as the rest of the file holds",
                    Long.toUnsignedString(count) + "; the file is truncated or damaged");
        }
        return (int) count;
    }

    /// Reads a string, which is UTF-8 after a length of eight bytes.
    String readString(String field, int maxBytes) {
        int length = readCount(field + ": length", 1);
        if (length > maxBytes) {
            throw MalformedModelException.of(file, field + ": length", "at most " + maxBytes + " bytes", length);
        }
        if (length <= buffer.capacity()) {
            require(length, field);
            buffer.position(buffer.position() + length);
            return new String(buffer.array(), buffer.position() - length, length, StandardCharsets.UTF_8);
        }
        byte[] bytes = new byte[length];
        for (int done = 0; done < length; ) {
            int count = Math.min(buffer.capacity(), length - done);
            require(count, field);
            buffer.get(bytes, done, count);
            done += count;
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private long left() {
        return Math.min(fileBytes, MAX_HEADER_BYTES) - position();
    }

    /// Sees to it that the buffer holds the next `count` bytes, of which there are no more than it has room for.
    private void require(int count, String field) {
        if (buffer.remaining() >= count) {
            return;
        }
        if (count > fileBytes - position()) {
            throw truncated(field);
        }
        if (count > left()) {
            throw MalformedModelException.of(
                    file, "header", "at most " + MAX_HEADER_BYTES + " bytes", "more before " + field);
        }
        refill(count, field);
    }

    private void refill(int count, String field) {
        int consumed = buffer.position();
        checksum.update(buffer.duplicate().flip());
        buffer.compact();
        bufferAt += consumed;
        try {
            while (buffer.position() < count) {
                if (channel.read(buffer) < 0) {
                    throw truncated(field);
                }
            }
        } catch (IOException e) {
            throw WeightFile.unreadable(file, e);
        }
        buffer.flip();
    }

    private MalformedModelException truncated(String field) {
        return new MalformedModelException(
                file + ": " + field + ": expected more bytes, file ends after " + fileBytes + "; it is truncated");
    }
}
