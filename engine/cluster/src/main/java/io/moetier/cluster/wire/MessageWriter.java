package io.moetier.cluster.wire;

import io.moetier.kernels.device.FfnActivation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/// Writes messages, one after another into the same memory, which grows to what the largest of them needs.
///
/// What is written is trusted to keep to the rules that [MessageReader] holds it to, but for its size, which is
/// checked.
/// Not for several threads at once.
public final class MessageWriter {
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int FIRST_BYTES = 1 << 10;

    private byte[] bytes = {};
    private MemorySegment segment = MemorySegment.ofArray(bytes);
    private int length;

    /// Returns the memory that the last message is at the beginning of.
    public byte[] bytes() {
        return bytes;
    }

    /// Returns how long the last message is.
    public int length() {
        return length;
    }

    /// Writes what a driver begins with.
    ///
    /// @throws IllegalArgumentException if it is too large, as this and the others say of theirs
    public void write(Hello hello) {
        byte[] version = text(hello.version());
        byte[] kernels = text(hello.kernels());
        byte[] model = text(hello.model());
        byte[] activations = activations(hello.activations());
        long size = Protocol.HEADER_BYTES + 5L * Integer.BYTES + Integer.BYTES;
        begin(
                MessageKind.HELLO,
                size + version.length + kernels.length + model.length + hello.manifest().length + activations.length);
        putBytes(version);
        putBytes(kernels);
        putInt(hello.mixed() ? 1 : 0);
        putBytes(model);
        putBytes(hello.manifest());
        putBytes(activations);
    }

    /// Writes what a node begins with.
    public void write(Welcome welcome) {
        byte[] kernels = text(welcome.kernels());
        long size = Protocol.HEADER_BYTES + 2L * Integer.BYTES + 3L * Long.BYTES;
        begin(MessageKind.WELCOME, size + kernels.length + (long) Integer.BYTES * welcome.onDisk().length);
        putBytes(kernels);
        putLong(welcome.ramBytes());
        putDouble(welcome.bytesPerSecond());
        putDouble(welcome.readBytesPerSecond());
        putInt(welcome.onDisk().length);
        putInts(welcome.onDisk(), welcome.onDisk().length);
    }

    /// Writes packed ids of experts, as [MessageKind#ASSIGN] and [MessageKind#READY] have them.
    public void writeIds(MessageKind kind, int[] ids) {
        begin(kind, Protocol.HEADER_BYTES + Integer.BYTES + (long) Integer.BYTES * ids.length);
        putInt(ids.length);
        putInts(ids, ids.length);
    }

    /// Writes a request.
    ///
    /// @throws IllegalArgumentException if it is too large, or its reply would be
    public void write(ExpertRequest request) {
        requireSize(Protocol.replyBytes(request.numExperts, request.numRows, request.size));
        begin(
                MessageKind.REQUEST,
                Protocol.requestBytes(request.numExperts, request.numRows, request.numInputs, request.size));
        putLong(request.sequence);
        putInt(request.layer);
        putInt(request.tokens);
        putInt(request.size);
        putInt(request.numExperts);
        putInt(request.numRows);
        putInt(request.numInputs);
        putInts(request.experts, request.numExperts);
        putInts(request.counts, request.numExperts);
        putFloats(request.weights, request.numExperts);
        putInts(request.rows, request.numRows);
        putFloats(request.inputs, request.numInputs * request.size);
    }

    /// Writes a reply.
    public void write(ExpertReply reply) {
        begin(MessageKind.REPLY, Protocol.replyBytes(reply.numExperts, reply.numRows, reply.size));
        putLong(reply.sequence);
        putLong(reply.nanos);
        putInt(reply.numExperts);
        putInt(reply.numRows);
        putInt(reply.size);
        putInt(reply.numRead);
        for (int i = 0; i < reply.numExperts; i++) {
            bytes[length++] = (byte) (reply.lacking[i] ? 1 : 0);
        }
        putFloats(reply.outputs, reply.numRows * reply.size);
    }

    /// Writes a ping that is `numBytes` long, or as short as one can be, and asks for a pong of `bytesBack`.
    public void writePing(long number, int numBytes, int bytesBack) {
        writeProbe(MessageKind.PING, number, numBytes, bytesBack);
    }

    /// Writes a pong that is `numBytes` long, or as short as one can be.
    public void writePong(long number, int numBytes) {
        writeProbe(MessageKind.PONG, number, numBytes, 0);
    }

    private void writeProbe(MessageKind kind, long number, int numBytes, int bytesBack) {
        int size = Math.max(numBytes, Protocol.PROBE_BYTES);
        begin(kind, size);
        putLong(number);
        putInt(bytesBack);
        segment.asSlice(length, size - length).fill((byte) 0);
        length = size;
    }

    private static byte[] text(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        if (utf8.length > Protocol.MAX_TEXT_BYTES) {
            throw new IllegalArgumentException("text of " + utf8.length + " bytes is too long for a message");
        }
        return utf8;
    }

    private static byte[] activations(Map<Integer, FfnActivation> byLayer) {
        byte[] bytes = new byte[byLayer.size() * MessageReader.ACTIVATION_BYTES];
        MemorySegment segment = MemorySegment.ofArray(bytes);
        int offset = 0;
        for (Map.Entry<Integer, FfnActivation> entry : new TreeMap<>(byLayer).entrySet()) {
            float limit = 0;
            float alpha = 0;
            int kind = switch (entry.getValue()) {
                case FfnActivation.SwiGlu _ -> 0;
                case FfnActivation.ClampedSwiGlu clamped -> {
                    limit = clamped.limit();
                    alpha = clamped.alpha();
                    yield 1;
                }
                case FfnActivation.LimitedSwiGlu limited -> {
                    limit = limited.limit();
                    yield 2;
                }
                case FfnActivation.GeGlu _ -> 3;
                case FfnActivation.Relu _ -> 4;
                case FfnActivation.SquaredRelu _ -> 5;
                case FfnActivation.CappedSwiGlu capped -> {
                    limit = capped.limit();
                    yield 6;
                }
            };
            segment.set(INT, offset, entry.getKey());
            segment.set(INT, offset + 4, kind);
            segment.set(FLOAT, offset + 8, limit);
            segment.set(FLOAT, offset + 12, alpha);
            offset += MessageReader.ACTIVATION_BYTES;
        }
        return bytes;
    }

    private void begin(MessageKind kind, long numBytes) {
        requireSize(numBytes);
        if (bytes.length < numBytes) {
            bytes = new byte[(int) Math.min(Protocol.MAX_BYTES, Math.max(FIRST_BYTES, 2 * numBytes))];
            segment = MemorySegment.ofArray(bytes);
        }
        length = 0;
        putInt(Protocol.MAGIC);
        putInt(Protocol.VERSION | kind.number() << 16);
    }

    private static void requireSize(long numBytes) {
        if (numBytes > Protocol.MAX_BYTES) {
            throw new IllegalArgumentException("a message of " + numBytes + " bytes is too large: at most "
                    + Protocol.MAX_BYTES + " cross at once");
        }
    }

    private void putInt(int value) {
        segment.set(INT, length, value);
        length += Integer.BYTES;
    }

    private void putLong(long value) {
        segment.set(LONG, length, value);
        length += Long.BYTES;
    }

    private void putDouble(double value) {
        segment.set(DOUBLE, length, value);
        length += Double.BYTES;
    }

    private void putInts(int[] values, int count) {
        MemorySegment.copy(values, 0, segment, INT, length, count);
        length += Integer.BYTES * count;
    }

    private void putFloats(float[] values, int count) {
        MemorySegment.copy(values, 0, segment, FLOAT, length, count);
        length += Float.BYTES * count;
    }

    private void putBytes(byte[] values) {
        putInt(values.length);
        System.arraycopy(values, 0, bytes, length, values.length);
        length += values.length;
    }
}
