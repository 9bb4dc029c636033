package io.moetier.lab.sweep;

import io.moetier.cluster.membership.TaskException;
import io.moetier.cluster.membership.Tasks;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/// Reads what a [SweepWriter] has written. Nothing is believed: each number has a range, and no more is made room for
/// than is there.
final class SweepReader {
    private final ByteBuffer bytes;

    /// @throws TaskException if the message is too short, too long or not what was sent
    SweepReader(byte[] message, int magic) {
        if (message.length < SweepWriter.LEAST_BYTES || message.length > Tasks.MAX_BYTES) {
            throw malformed();
        }
        int end = message.length - Integer.BYTES;
        bytes = ByteBuffer.wrap(message);
        if (bytes.getInt(end) != SweepWriter.checksum(message, end) || bytes.getInt() != magic) {
            throw malformed();
        }
        bytes.limit(end);
    }

    static TaskException malformed() {
        return new TaskException("a message of sweeps is damaged, or from another program");
    }

    int number(int least, int most) {
        require(Integer.BYTES);
        return (int) inRange(bytes.getInt(), least, most);
    }

    /// Reads a number of twice the bytes.
    long large(long least, long most) {
        require(Long.BYTES);
        return inRange(bytes.getLong(), least, most);
    }

    private static long inRange(long number, long least, long most) {
        if (number < least || number > most) {
            throw malformed();
        }
        return number;
    }

    byte[] bytes(int most) {
        byte[] read = new byte[counted(most, 1)];
        bytes.get(read);
        return read;
    }

    byte[] exactly(int size) {
        require(size);
        byte[] read = new byte[size];
        bytes.get(read);
        return read;
    }

    String text() {
        byte[] read = bytes(SweepWriter.MOST_TEXT);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(read))
                    .toString();
        } catch (CharacterCodingException e) {
            throw malformed();
        }
    }

    List<Integer> numbers(int mostOfThem, int least, int most) {
        return list(mostOfThem, Integer.BYTES, () -> number(least, most));
    }

    /// Reads a list.
    ///
    /// @param size bytes of each part, at least
    <T> List<T> list(int most, int size, Supplier<T> part) {
        int number = counted(most, size);
        List<T> parts = new ArrayList<>(number);
        for (int i = 0; i < number; i++) {
            parts.add(part.get());
        }
        return parts;
    }

    void end() {
        if (bytes.hasRemaining()) {
            throw malformed();
        }
    }

    private int counted(int most, int size) {
        int number = number(0, most);
        require((long) number * size);
        return number;
    }

    private void require(long size) {
        if (bytes.remaining() < size) {
            throw malformed();
        }
    }
}
