package io.moetier.storage.format;

import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// An open file of weights, read by position into the caller's memory.
///
/// It is never mapped, so that a file which shrinks under us is an error and not a signal. Any number of threads may
/// read at once; interrupting a thread while it reads closes the file for all of them.
final class WeightFile implements AutoCloseable {
    private static final long READ_BYTES = 64L << 20;
    private static final long DECODE_BYTES = 1L << 20;

    private final Path file;
    private final FileChannel channel;

    private WeightFile(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /// Opens a file that should be one of `kind`.
    ///
    /// @throws MalformedModelException if the file is missing or unreadable
    static WeightFile open(Path file, String kind) {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new MalformedModelException(file + ": expected a " + kind + " file, found something that is no file");
        }
        try {
            return new WeightFile(file, FileChannel.open(file, StandardOpenOption.READ));
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(file + ": no such file", e);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    static MalformedModelException unreadable(Path file, IOException cause) {
        return new MalformedModelException(file + ": cannot be read: " + IoFailure.reason(cause), cause);
    }

    Path file() {
        return file;
    }

    FileChannel channel() {
        return channel;
    }

    long size() {
        try {
            return channel.size();
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /// Reads `length` bytes of a header.
    byte[] readHeader(long offset, int length) {
        byte[] bytes = new byte[length];
        long read = readFully(offset, MemorySegment.ofArray(bytes));
        if (read < length) {
            throw new MalformedModelException(
                    file + ": header: expected " + length + " bytes, file ends after " + read);
        }
        return bytes;
    }

    /// Fills `dst` with a tensor's bytes from `fromByte` on.
    ///
    /// @throws IllegalArgumentException if the tensor is of another file or has no such bytes
    void read(TensorInfo tensor, long fromByte, MemorySegment dst) {
        requireOwn(tensor.file(), tensor.name());
        read(tensor.name(), tensor.offset(), tensor.byteLength(), fromByte, dst);
    }

    /// Fills `dst` with a tensor's bytes, whatever its element type; otherwise as [#read(TensorInfo, long,
    /// MemorySegment)].
    void read(RawTensor tensor, long fromByte, MemorySegment dst) {
        requireOwn(tensor.file(), tensor.name());
        read(tensor.name(), tensor.offset(), tensor.byteLength(), fromByte, dst);
    }

    /// Returns all elements of a tensor as floats.
    ///
    /// @throws IllegalArgumentException if it has more elements than an array can hold
    float[] readFloats(TensorInfo tensor) {
        long elements = tensor.numElements();
        if (elements > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException(
                    "tensor " + tensor.name() + " has " + elements + " elements, more than an array can hold");
        }
        float[] floats = new float[(int) elements];
        DType dtype = tensor.dtype();
        int step = (int) (DECODE_BYTES / dtype.blockBytes()) * dtype.blockElements();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(Math.min(DECODE_BYTES, tensor.byteLength()));
            for (int done = 0; done < floats.length; done += Math.min(step, floats.length - done)) {
                int count = Math.min(step, floats.length - done);
                MemorySegment part = buffer.asSlice(0, dtype.bytes(count));
                read(tensor, dtype.bytes(done), part);
                Floats.decode(dtype, part, count, floats, done);
            }
        }
        return floats;
    }

    /// @throws UncheckedIOException if the operating system refuses
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void requireOwn(Path other, String name) {
        if (!other.equals(file)) {
            throw new IllegalArgumentException("tensor " + name + " is in " + other + ", not in " + file);
        }
    }

    private void read(String name, long offset, long byteLength, long fromByte, MemorySegment dst) {
        if (fromByte < 0 || fromByte > byteLength || dst.byteSize() > byteLength - fromByte) {
            throw new IllegalArgumentException("tensor " + name + " has " + byteLength + " bytes, not " + dst.byteSize()
                    + " from byte " + fromByte);
        }
        long read = readFully(offset + fromByte, dst);
        if (read < dst.byteSize()) {
            throw new MalformedModelException(
                    file + ": tensor " + name + ": expected " + dst.byteSize() + " bytes, file ends after " + read);
        }
    }

    /// Reads until `dst` is full or the file ends; returns the bytes read.
    private long readFully(long offset, MemorySegment dst) {
        try {
            long done = 0;
            while (done < dst.byteSize()) {
                long wanted = Math.min(READ_BYTES, dst.byteSize() - done);
                int count = channel.read(dst.asSlice(done, wanted).asByteBuffer(), offset + done);
                if (count < 0) {
                    break;
                }
                done += count;
            }
            return done;
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }
}
