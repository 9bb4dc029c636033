package io.moetier.storage.format;

import io.moetier.storage.model.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Writes a GGUF file of version 3 whose metadata and tensor shapes are known beforehand, tensor by tensor.
///
/// A file that was not completed is shorter than its header says, so every reader refuses it. Confined to one thread.
public final class GgufWriter implements AutoCloseable {
    private static final int WRITE_BYTES = 1 << 20;

    private final Path file;
    private final FileChannel channel;
    private final List<Entry> entries;
    private final int alignment;
    private int current;
    private long written;

    /// A tensor to be written; `shape` is row-major, so its last dimension is a row's length.
    public record Entry(String name, GgmlType type, List<Long> shape) {
        public Entry {
            shape = List.copyOf(shape);
            if (shape.isEmpty()
                    || shape.stream().anyMatch(dimension -> dimension < 1)
                    || shape.getLast() % type.blockElements() != 0) {
                throw new IllegalArgumentException("tensor " + name + ": no shape for " + type + ": " + shape);
            }
        }

        /// Returns the entry of a tensor of these dimensions.
        public static Entry of(String name, DType dtype, long... shape) {
            return new Entry(
                    name, GgmlType.of(dtype), Arrays.stream(shape).boxed().toList());
        }

        /// Returns the bytes the tensor takes.
        public long byteLength() {
            return type.bytes(shape.stream().reduce(1L, Math::multiplyExact));
        }
    }

    private GgufWriter(Path file, FileChannel channel, List<Entry> entries, int alignment) {
        this.file = file;
        this.channel = channel;
        this.entries = entries;
        this.alignment = alignment;
    }

    /// Creates `file`, or empties it, and writes the header.
    ///
    /// Values may be strings, booleans, numbers and lists of one of them. An `Integer` alone is written as unsigned
    /// if it can be; a `Float` takes 32 bits and a `Double` 64. A list takes the type of its first element.
    ///
    /// @throws IllegalArgumentException if two tensors have one name or a value is of another class
    /// @throws IOException if the file cannot be written; the message names it
    public static GgufWriter create(Path file, Map<String, ?> metadata, List<Entry> entries) throws IOException {
        int alignment = metadata.get(GgufHeader.ALIGNMENT_KEY) instanceof Integer i ? i : GgufHeader.DEFAULT_ALIGNMENT;
        byte[] header = header(metadata, entries, alignment);
        FileChannel channel;
        try {
            channel = FileChannel.open(
                    file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new IOException(file + ": cannot be created: " + IoFailure.reason(e), e);
        }
        GgufWriter writer = new GgufWriter(file, channel, List.copyOf(entries), alignment);
        try {
            writer.append(ByteBuffer.wrap(header));
            writer.pad();
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        return writer;
    }

    /// Appends `bytes` to the tensor `name`, which may be written in as many pieces as suit the caller.
    ///
    /// @throws IllegalStateException if it is not the turn of this tensor
    /// @throws IllegalArgumentException if the tensor would become too long
    /// @throws IOException if the file cannot be written, for example on a full disk; the message names it
    public void write(String name, MemorySegment bytes) throws IOException {
        if (current == entries.size() || !entries.get(current).name().equals(name)) {
            throw new IllegalStateException(file + ": it is not the turn of " + name);
        }
        long total = entries.get(current).byteLength();
        if (bytes.byteSize() > total - written) {
            throw new IllegalArgumentException(
                    "tensor " + name + " has room for " + (total - written) + " more bytes, not " + bytes.byteSize());
        }
        for (long done = 0; done < bytes.byteSize(); done += WRITE_BYTES) {
            long count = Math.min(WRITE_BYTES, bytes.byteSize() - done);
            append(bytes.asSlice(done, count).asByteBuffer());
        }
        written += bytes.byteSize();
        if (written == total) {
            written = 0;
            current++;
            pad();
        }
    }

    /// @throws IllegalStateException if a tensor has not been written in full
    /// @throws IOException if the operating system refuses
    @Override
    public void close() throws IOException {
        channel.close();
        if (current < entries.size()) {
            throw new IllegalStateException(
                    file + ": tensor " + entries.get(current).name() + " has not been written in full");
        }
    }

    private void pad() throws IOException {
        long position = channel.position();
        append(ByteBuffer.allocate((int) (GgufHeader.aligned(position, alignment) - position)));
    }

    private void append(ByteBuffer bytes) throws IOException {
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw IoFailure.toWrite(file, e);
        }
    }

    private static byte[] header(Map<String, ?> metadata, List<Entry> entries, int alignment) {
        Bytes bytes = new Bytes();
        bytes.out.writeBytes(GgufHeader.MAGIC);
        bytes.putInt(GgufHeader.VERSION).putLong(entries.size()).putLong(metadata.size());
        metadata.forEach((key, value) -> {
            int type = value instanceof Integer i && i >= 0 ? GgufMetadata.UINT32 : type(value);
            bytes.putString(key).putInt(type).putValue(value);
        });
        Set<String> names = new HashSet<>();
        long offset = 0;
        for (Entry entry : entries) {
            if (!names.add(entry.name())) {
                throw new IllegalArgumentException("two tensors are called " + entry.name());
            }
            bytes.putString(entry.name()).putInt(entry.shape().size());
            entry.shape().reversed().forEach(bytes::putLong);
            bytes.putInt(entry.type().id()).putLong(offset);
            offset = GgufHeader.aligned(offset + entry.byteLength(), alignment);
        }
        return bytes.out.toByteArray();
    }

    private static int type(Object value) {
        return switch (value) {
            case Integer _ -> GgufMetadata.INT32;
            case Long _ -> GgufMetadata.INT64;
            case Float _ -> GgufMetadata.FLOAT32;
            case Double _ -> GgufMetadata.FLOAT64;
            case Boolean _ -> GgufMetadata.BOOL;
            case String _ -> GgufMetadata.STRING;
            case List<?> _ -> GgufMetadata.ARRAY;
            default -> throw new IllegalArgumentException("GGUF has no type for " + value);
        };
    }

    /// The header as far as it has been written.
    private static final class Bytes {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Bytes putInt(int value) {
            out.writeBytes(little(Integer.BYTES).putInt(value).array());
            return this;
        }

        Bytes putLong(long value) {
            out.writeBytes(little(Long.BYTES).putLong(value).array());
            return this;
        }

        Bytes putString(String value) {
            byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
            putLong(utf8.length).out.writeBytes(utf8);
            return this;
        }

        void putValue(Object value) {
            switch (value) {
                case Integer i -> putInt(i);
                case Long l -> putLong(l);
                case Float f -> putInt(Float.floatToRawIntBits(f));
                case Double d -> putLong(Double.doubleToRawLongBits(d));
                case Boolean b -> out.write(b ? 1 : 0);
                case String s -> putString(s);
                case List<?> list -> {
                    putInt(list.isEmpty() ? GgufMetadata.INT32 : type(list.getFirst()));
                    putLong(list.size()).putElements(list);
                }
                default -> throw new IllegalArgumentException("GGUF has no type for " + value);
            }
        }

        private void putElements(List<?> list) {
            for (Object element : list) {
                if (type(element) != type(list.getFirst())) {
                    throw new IllegalArgumentException("GGUF has no list of different types: " + list);
                }
                putValue(element);
            }
        }

        private static ByteBuffer little(int bytes) {
            return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
