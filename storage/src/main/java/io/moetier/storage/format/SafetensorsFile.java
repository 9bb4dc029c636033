package io.moetier.storage.format;

import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;

/// An open safetensors file.
///
/// The header is checked in full when the file is opened. Tensors are read by position into the caller's memory and
/// never mapped, so that a file which shrinks under us is an error and not a signal. Any number of threads may read at
/// once; interrupting a thread while it reads closes the file for all of them.
public final class SafetensorsFile implements AutoCloseable {
    private static final long READ_BYTES = 64L << 20;
    private static final long DECODE_BYTES = 1L << 20;

    private final Path file;
    private final FileChannel channel;
    private final SafetensorsHeader header;
    private final Map<String, TensorInfo> usable;
    private final long headerChecksum;

    private SafetensorsFile(Path file, FileChannel channel, SafetensorsHeader header, long headerChecksum) {
        this.file = file;
        this.channel = channel;
        this.header = header;
        this.headerChecksum = headerChecksum;
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        header.tensors().forEach((name, raw) -> raw.usable().ifPresent(tensor -> tensors.put(name, tensor)));
        this.usable = Collections.unmodifiableMap(tensors);
    }

    /// Opens a file and checks its header.
    ///
    /// @throws MalformedModelException if the file is missing, unreadable or not a sound safetensors file
    public static SafetensorsFile open(Path file) {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new MalformedModelException(file + ": expected a safetensors file, found something that is no file");
        }
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
            try {
                return open(file, channel);
            } catch (IOException | RuntimeException | Error e) {
                channel.close();
                throw e;
            }
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(file + ": no such file", e);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static SafetensorsFile open(Path file, FileChannel channel) throws IOException {
        long fileBytes = channel.size();
        if (fileBytes < SafetensorsHeader.LENGTH_BYTES) {
            throw MalformedModelException.of(
                    file, "size", "at least " + SafetensorsHeader.LENGTH_BYTES + " bytes", fileBytes);
        }
        byte[] prefix = readHeader(file, channel, 0, SafetensorsHeader.LENGTH_BYTES);
        long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
        int jsonBytes = SafetensorsHeader.checkLength(length, file, fileBytes);
        byte[] json = readHeader(file, channel, SafetensorsHeader.LENGTH_BYTES, jsonBytes);
        CRC32C checksum = new CRC32C();
        checksum.update(json);
        return new SafetensorsFile(file, channel, SafetensorsHeader.parse(json, file, fileBytes), checksum.getValue());
    }

    private static byte[] readHeader(Path file, FileChannel channel, long offset, int length) throws IOException {
        byte[] bytes = new byte[length];
        long read = readFully(channel, offset, MemorySegment.ofArray(bytes));
        if (read < length) {
            throw new MalformedModelException(
                    file + ": header: expected " + length + " bytes, file ends after " + read);
        }
        return bytes;
    }

    /// Returns the file as it was named to [#open].
    public Path file() {
        return file;
    }

    /// Returns the tensors that the engine can compute with, in the header's order.
    public Map<String, TensorInfo> tensors() {
        return usable;
    }

    /// Returns all tensors in the header's order.
    public Map<String, RawTensor> rawTensors() {
        return header.tensors();
    }

    /// Returns the header's free-form strings, for example `format` → `pt`.
    public Map<String, String> metadata() {
        return header.metadata();
    }

    /// Returns a tensor that the engine can compute with.
    ///
    /// @throws MalformedModelException if there is no such tensor or its element type is another one
    public TensorInfo require(String name) {
        return requireRaw(name).require();
    }

    /// Returns a tensor of any element type.
    ///
    /// @throws MalformedModelException if there is no such tensor
    public RawTensor requireRaw(String name) {
        RawTensor tensor = header.tensors().get(name);
        if (tensor == null) {
            throw new MalformedModelException(file + ": tensor " + name + ": expected, found no such tensor");
        }
        return tensor;
    }

    /// Fills `dst` with the tensor's bytes from `fromByte` on.
    ///
    /// @throws IllegalArgumentException if the tensor is of another file or has no such bytes
    /// @throws MalformedModelException if the file ends early or cannot be read
    public void read(TensorInfo tensor, long fromByte, MemorySegment dst) {
        checkOwn(tensor.file(), tensor.name());
        read(tensor.name(), tensor.offset(), tensor.byteLength(), fromByte, dst);
    }

    /// Fills `dst` with the bytes of a tensor of any element type; otherwise as [#read(TensorInfo, long,
    /// MemorySegment)].
    public void read(RawTensor tensor, long fromByte, MemorySegment dst) {
        checkOwn(tensor.file(), tensor.name());
        read(tensor.name(), tensor.offset(), tensor.byteLength(), fromByte, dst);
    }

    /// Returns all elements of a tensor as floats.
    ///
    /// @throws MalformedModelException if there is no such tensor, its elements are no floats, or reading it fails
    /// @throws IllegalArgumentException if it has more elements than an array can hold
    public float[] readFloats(String name) {
        return readFloats(require(name));
    }

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

    /// Returns the CRC32C of the header's JSON.
    long headerChecksum() {
        return headerChecksum;
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

    private void checkOwn(Path other, String name) {
        if (!other.equals(file)) {
            throw new IllegalArgumentException("tensor " + name + " is in " + other + ", not in " + file);
        }
    }

    private void read(String name, long offset, long byteLength, long fromByte, MemorySegment dst) {
        if (fromByte < 0 || fromByte > byteLength || dst.byteSize() > byteLength - fromByte) {
            throw new IllegalArgumentException("tensor " + name + " has " + byteLength + " bytes, not " + dst.byteSize()
                    + " from byte " + fromByte);
        }
        try {
            long read = readFully(channel, offset + fromByte, dst);
            if (read < dst.byteSize()) {
                throw new MalformedModelException(
                        file + ": tensor " + name + ": expected " + dst.byteSize() + " bytes, file ends after " + read);
            }
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /// Reads until `dst` is full or the file ends; returns the bytes read.
    private static long readFully(FileChannel channel, long offset, MemorySegment dst) throws IOException {
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
    }

    private static MalformedModelException unreadable(Path file, IOException cause) {
        return new MalformedModelException(file + ": cannot be read: " + IoFailure.reason(cause), cause);
    }
}
