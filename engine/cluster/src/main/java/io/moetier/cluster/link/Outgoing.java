package io.moetier.cluster.link;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.moetier.cluster.wire.MessageWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/// What a writer wrote last, as gRPC takes it: in one piece, before its `sendMessage` returns.
final class Outgoing extends InputStream implements Drainable, KnownLength {
    private final MessageWriter writer;
    private int position;

    Outgoing(MessageWriter writer) {
        this.writer = writer;
    }

    /// Begins with what was written last.
    Outgoing rewound() {
        position = 0;
        return this;
    }

    @Override
    public int available() {
        return writer.length() - position;
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
        int drained = available();
        target.write(writer.bytes(), position, drained);
        position += drained;
        return drained;
    }

    @Override
    public int read(byte[] target, int offset, int count) {
        int copied = Math.min(count, available());
        System.arraycopy(writer.bytes(), position, target, offset, copied);
        position += copied;
        return copied == 0 && count > 0 ? -1 : copied;
    }

    @Override
    public int read() {
        return available() == 0 ? -1 : writer.bytes()[position++] & 0xFF;
    }
}
