package io.moetier.lab.sweep;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/// Puts a message together: what kind it is, numbers, and a checksum of all of it.
final class SweepWriter {
    static final int LEAST_BYTES = 2 * Integer.BYTES;

    /// Bytes of a text.
    static final int MOST_TEXT = 1 << 12;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final DataOutputStream out = new DataOutputStream(bytes);

    SweepWriter(int magic) {
        number(magic);
    }

    SweepWriter number(int number) {
        return write(() -> out.writeInt(number));
    }

    SweepWriter large(long number) {
        return write(() -> out.writeLong(number));
    }

    /// Writes bytes whose number is known.
    SweepWriter exactly(byte[] content) {
        return write(() -> out.write(content));
    }

    SweepWriter bytes(byte[] content) {
        return number(content.length).exactly(content);
    }

    SweepWriter text(String text) {
        return bytes(text.getBytes(StandardCharsets.UTF_8));
    }

    SweepWriter numbers(List<Integer> numbers) {
        return list(numbers, this::number);
    }

    <T> SweepWriter list(List<T> parts, Consumer<T> writer) {
        number(parts.size());
        parts.forEach(writer);
        return this;
    }

    byte[] message() {
        byte[] content = bytes.toByteArray();
        return ByteBuffer.allocate(content.length + Integer.BYTES)
                .put(content)
                .putInt(checksum(content, content.length))
                .array();
    }

    /// Returns the checksum of a whole message, as it stands at its end.
    static int checksum(byte[] message) {
        return ByteBuffer.wrap(message).getInt(message.length - Integer.BYTES);
    }

    static int checksum(byte[] message, int length) {
        CRC32C crc = new CRC32C();
        crc.update(message, 0, length);
        return (int) crc.getValue();
    }

    private interface Step {
        void run() throws IOException;
    }

    private SweepWriter write(Step step) {
        try {
            step.run();
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory does not fail like this
        }
    }
}
