package io.moetier.cluster.link;

import io.moetier.cluster.wire.MessageKind;
import io.moetier.cluster.wire.MessageReader;
import io.moetier.cluster.wire.Protocol;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Queue;

/// A message that has come and was not read yet but for its header. It holds memory of the transport until it is read
/// or closed.
final class Incoming {
    /// Stands behind the last message.
    static final Incoming END = new Incoming(InputStream.nullInputStream(), 0, new byte[0]);

    private final long arrivalNanos = System.nanoTime();
    private final InputStream rest;
    private final int length;
    private final byte[] header;

    private Incoming(InputStream rest, int length, byte[] header) {
        this.rest = rest;
        this.length = length;
        this.header = header;
    }

    static Incoming of(InputStream message) {
        try {
            int length = message.available(); // the transport has it whole
            return new Incoming(message, length, message.readNBytes(Protocol.HEADER_BYTES));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Returns when it came, as `System.nanoTime` has it.
    long arrivalNanos() {
        return arrivalNanos;
    }

    /// @throws io.moetier.cluster.wire.MalformedMessageException if it does not begin as messages do
    MessageKind kind() {
        return MessageReader.kindOf(header);
    }

    /// Has a reader take the message, and gives back what it held.
    void readInto(MessageReader reader) {
        try (InputStream in = rest) {
            reader.take(header, in, length);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void close() {
        try {
            rest.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Closes all that is waiting, and leaves an end there.
    static void end(Queue<Incoming> waiting) {
        Incoming left = waiting.poll();
        while (left != null) {
            left.close();
            left = waiting.poll();
        }
        waiting.add(END);
    }
}
