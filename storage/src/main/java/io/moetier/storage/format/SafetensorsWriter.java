package io.moetier.storage.format;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Writes a safetensors file whose tensors are known beforehand, one after the other.
///
/// The header is padded so that the first tensor starts at a multiple of 64 bytes. A file that was not completed is
/// shorter than its header says, so every reader refuses it. Confined to one thread.
public final class SafetensorsWriter implements AutoCloseable {
    private static final int ALIGNMENT = 64;
    private static final int WRITE_BYTES = 1 << 20;

    private final Path file;
    private final FileChannel channel;
    private final List<Entry> entries;
    private int current;
    private long written;

    /// A tensor to be written; `dtype` in the format's spelling, for example `F32` or `U8`.
    public record Entry(String name, String dtype, List<Long> shape) {
        /// @throws IllegalArgumentException if the format has no such name, element type or shape
        public Entry {
            shape = List.copyOf(shape);
            if (name.equals(SafetensorsHeader.METADATA)) {
                throw new IllegalArgumentException("no tensor may be called " + name);
            }
            if (shape.stream().anyMatch(dimension -> dimension < 0)) {
                throw new IllegalArgumentException("tensor " + name + ": negative dimension in " + shape);
            }
            bytes(name, dtype, shape);
        }

        /// Returns the entry of a tensor of these dimensions.
        public static Entry of(String name, String dtype, long... shape) {
            return new Entry(name, dtype, Arrays.stream(shape).boxed().toList());
        }

        /// Returns the bytes the tensor takes.
        public long byteLength() {
            return bytes(name, dtype, shape);
        }

        private boolean isF32() {
            return dtype.equals(ElementType.F32.name());
        }

        private static long bytes(String name, String dtype, List<Long> shape) {
            ElementType type = ElementType.named(dtype)
                    .orElseThrow(() -> new IllegalArgumentException("tensor " + name + ": no dtype " + dtype));
            try {
                return type.bytes(shape);
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException("tensor " + name + ": no shape for " + dtype + ": " + shape, e);
            }
        }
    }

    private SafetensorsWriter(Path file, FileChannel channel, List<Entry> entries) {
        this.file = file;
        this.channel = channel;
        this.entries = entries;
    }

    /// Creates `file`, or empties it, and writes the header.
    ///
    /// @throws IllegalArgumentException if two tensors have one name or the header would be too long
    /// @throws IOException if the file cannot be written; the message names it
    public static SafetensorsWriter create(Path file, List<Entry> entries, Map<String, String> metadata)
            throws IOException {
        byte[] header = header(entries, metadata);
        FileChannel channel = openEmpty(file);
        SafetensorsWriter writer = new SafetensorsWriter(file, channel, List.copyOf(entries));
        try {
            writer.writeFully(ByteBuffer.wrap(header));
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        return writer;
    }

    /// Returns the bytes of the file that [#create] begins.
    public static long fileBytes(List<Entry> entries, Map<String, String> metadata) {
        return header(entries, metadata).length
                + entries.stream().mapToLong(Entry::byteLength).sum();
    }

    private static FileChannel openEmpty(Path file) throws IOException {
        try {
            return FileChannel.open(
                    file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new IOException(file + ": cannot be created: " + IoFailure.reason(e), e);
        }
    }

    private static byte[] header(List<Entry> entries, Map<String, String> metadata) {
        Map<String, Object> header = new LinkedHashMap<>();
        if (!metadata.isEmpty()) {
            header.put(SafetensorsHeader.METADATA, metadata);
        }
        long offset = 0;
        for (Entry entry : entries) {
            long end = Math.addExact(offset, entry.byteLength());
            Map<String, Object> value = new LinkedHashMap<>();
            value.put("dtype", entry.dtype());
            value.put("shape", entry.shape());
            value.put("data_offsets", List.of(offset, end));
            if (header.put(entry.name(), value) != null) {
                throw new IllegalArgumentException("two tensors are called " + entry.name());
            }
            offset = end;
        }
        return padded(Json.write(header).getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] padded(byte[] json) {
        int used = SafetensorsHeader.LENGTH_BYTES + json.length;
        int total = Math.ceilDiv(used, ALIGNMENT) * ALIGNMENT;
        int jsonBytes = total - SafetensorsHeader.LENGTH_BYTES;
        if (jsonBytes > SafetensorsHeader.MAX_JSON_BYTES) {
            throw new IllegalArgumentException("a header of " + jsonBytes + " bytes is longer than the format allows");
        }
        byte[] padded = new byte[total];
        Arrays.fill(padded, (byte) ' ');
        ByteBuffer.wrap(padded)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(jsonBytes)
                .put(json);
        return padded;
    }

    /// Appends `bytes` to the tensor `name`, which may be written in as many pieces as suit the caller.
    ///
    /// @throws IllegalStateException if it is not the turn of this tensor
    /// @throws IllegalArgumentException if the tensor would become too long
    /// @throws IOException if the file cannot be written, for example on a full disk; the message names it
    public void write(String name, MemorySegment bytes) throws IOException {
        take(name, bytes.byteSize());
        for (long done = 0; done < bytes.byteSize(); done += WRITE_BYTES) {
            long count = Math.min(WRITE_BYTES, bytes.byteSize() - done);
            writeFully(bytes.asSlice(done, count).asByteBuffer());
        }
    }

    /// Appends floats to the tensor `name` of dtype `F32`; otherwise as [#write(String, MemorySegment)].
    public void write(String name, float[] values) throws IOException {
        if (entries.stream().anyMatch(entry -> entry.name().equals(name) && !entry.isF32())) {
            throw new IllegalArgumentException("tensor " + name + " does not hold F32");
        }
        take(name, (long) values.length * Float.BYTES);
        int step = Math.min(WRITE_BYTES / Float.BYTES, values.length);
        ByteBuffer buffer = ByteBuffer.allocate(step * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int done = 0; done < values.length; done += step) {
            int count = Math.min(step, values.length - done);
            buffer.clear().limit(count * Float.BYTES);
            buffer.asFloatBuffer().put(values, done, count);
            writeFully(buffer);
        }
    }

    /// Makes what was written so far survive a power cut.
    public void sync() throws IOException {
        try {
            channel.force(true);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /// @throws IllegalStateException if a tensor has not been written in full
    /// @throws IOException if the operating system refuses
    @Override
    public void close() throws IOException {
        if (!channel.isOpen()) {
            return;
        }
        channel.close();
        while (currentIsComplete()) {
            advance();
        }
        if (current < entries.size()) {
            Entry entry = entries.get(current);
            throw new IllegalStateException(file + ": tensor " + entry.name() + ": expected " + entry.byteLength()
                    + " bytes to be written, found " + written);
        }
    }

    /// Counts `byteLength` bytes towards the tensor `name`, whose turn it must be.
    private void take(String name, long byteLength) {
        while (currentIsComplete() && !entries.get(current).name().equals(name)) {
            advance();
        }
        if (current == entries.size() || !entries.get(current).name().equals(name)) {
            String expected =
                    current == entries.size() ? "no more" : entries.get(current).name();
            throw new IllegalStateException(file + ": expected to write " + expected + " next, found " + name);
        }
        Entry entry = entries.get(current);
        if (byteLength > entry.byteLength() - written) {
            throw new IllegalArgumentException("tensor " + name + " has room for " + (entry.byteLength() - written)
                    + " more bytes, not " + byteLength);
        }
        written += byteLength;
    }

    private boolean currentIsComplete() {
        return current < entries.size() && written == entries.get(current).byteLength();
    }

    private void advance() {
        current++;
        written = 0;
    }

    private void writeFully(ByteBuffer buffer) throws IOException {
        try {
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private IOException unwritable(IOException cause) {
        return IoFailure.toWrite(file, cause);
    }
}
