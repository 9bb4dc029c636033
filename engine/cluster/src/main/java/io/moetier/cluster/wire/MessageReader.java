package io.moetier.cluster.wire;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.storage.format.UnsafeCharacters;
import io.moetier.storage.model.ExpertId;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/// Reads messages, one after another into the same memory, and holds them to the rules of the [Protocol].
///
/// Nothing is believed before it is checked: counts are compared with the bytes that follow, in 64 bits, before
/// anything is made room for, and a message must end where its numbers say. Whatever the bytes are, they are read or
/// refused with a [MalformedMessageException]. Not for several threads at once.
public final class MessageReader {
    static final int ACTIVATION_BYTES = 16; // layer, kind, limit, alpha
    private static final int MAX_SIZE = 1 << 20; // elements of a row
    private static final int VERSION_MASK = 0xFFFF;

    private byte[] bytes = {};
    private MemorySegment segment = MemorySegment.ofArray(bytes);
    private int length;
    private int position;
    private MessageKind kind = MessageKind.HELLO;

    /// Returns what a message is that begins so.
    public static MessageKind kindOf(byte[] header) {
        MemorySegment segment = MemorySegment.ofArray(header);
        if (header.length < Protocol.HEADER_BYTES) {
            throw new MalformedMessageException("bytes", "at least " + Protocol.HEADER_BYTES, header.length);
        }
        int magic = segment.get(MessageWriter.INT, 0);
        if (magic != Protocol.MAGIC) {
            throw new MalformedMessageException("magic", hex(Protocol.MAGIC), hex(magic));
        }
        int rest = segment.get(MessageWriter.INT, Integer.BYTES);
        if ((rest & VERSION_MASK) != Protocol.VERSION) {
            throw new MalformedMessageException("version", String.valueOf(Protocol.VERSION), rest & VERSION_MASK);
        }
        return MessageKind.of(rest >>> 16);
    }

    /// Takes the next message.
    ///
    /// @param header its first bytes
    /// @param rest has the others, until its end or further
    /// @param numBytes of the whole message
    public void take(byte[] header, InputStream rest, int numBytes) throws IOException {
        kind = kindOf(header);
        if (numBytes < header.length || numBytes > Protocol.MAX_BYTES) {
            throw new MalformedMessageException("bytes", "at most " + Protocol.MAX_BYTES, numBytes);
        }
        if (bytes.length < numBytes) {
            bytes = new byte[(int) Math.min(Protocol.MAX_BYTES, 2L * numBytes)];
            segment = MemorySegment.ofArray(bytes);
        }
        int there = header.length;
        while (there < numBytes) {
            int more = rest.read(bytes, there, numBytes - there);
            if (more < 0) {
                throw new EOFException("a message of " + numBytes + " bytes ends after " + there);
            }
            there += more;
        }
        length = numBytes;
        position = Protocol.HEADER_BYTES;
    }

    /// Returns what was taken; only the method of that kind may be called, once.
    public MessageKind kind() {
        return kind;
    }

    /// Reads what a driver begins with.
    public Hello hello() {
        require(MessageKind.HELLO);
        String version = text("version");
        String kernels = text("kernels");
        boolean mixed = flag("mixed");
        String model = text("model");
        byte[] manifest = bytes("manifest", Protocol.MAX_BYTES);
        Map<Integer, FfnActivation> activations = activations();
        end();
        return new Hello(version, kernels, mixed, model, manifest, activations);
    }

    /// Reads what a node begins with.
    public Welcome welcome() {
        require(MessageKind.WELCOME);
        String kernels = text("kernels");
        long ramBytes = number("bytes of memory");
        double bytesPerSecond = speed("bytes per second");
        double readBytesPerSecond = speed("bytes read per second");
        int[] onDisk = idsThatFollow();
        for (int i = 1; i < onDisk.length; i++) {
            if (onDisk[i] <= onDisk[i - 1]) {
                throw new MalformedMessageException("expert " + i, "one after " + onDisk[i - 1], onDisk[i]);
            }
        }
        return new Welcome(kernels, ramBytes, bytesPerSecond, readBytesPerSecond, onDisk);
    }

    /// Reads what [MessageWriter#writeIds] wrote.
    public int[] ids(MessageKind kind) {
        require(kind);
        return idsThatFollow();
    }

    /// Reads a request.
    public void request(ExpertRequest request) {
        require(MessageKind.REQUEST);
        long sequence = number("sequence");
        int layer = count("layer", 0, ExpertId.MAX_INDEX / 2);
        int tokens = count("tokens", 1, Integer.MAX_VALUE);
        int size = count("size", 1, MAX_SIZE);
        int numExperts = count("experts", 1, ExpertId.MAX_INDEX + 1);
        int numRows = count("rows", numExperts, Protocol.MAX_BYTES);
        int numInputs = count("inputs", 1, Protocol.MAX_BYTES);
        requireBytes(Protocol.requestBytes(numExperts, numRows, numInputs, size));
        long replyBytes = Protocol.replyBytes(numExperts, numRows, size);
        if (replyBytes > Protocol.MAX_BYTES) {
            throw new MalformedMessageException("bytes of the reply", "at most " + Protocol.MAX_BYTES, replyBytes);
        }
        request.reserve(numExperts, numRows, numInputs, size);
        getInts(request.experts, numExperts);
        getInts(request.counts, numExperts);
        getFloats(request.weights, numExperts);
        getInts(request.rows, numRows);
        getFloats(request.inputs, numInputs * size);
        requireBetween("expert", request.experts, numExperts, 0, ExpertId.MAX_INDEX);
        requireBetween("rows of an expert", request.counts, numExperts, 1, numRows);
        requireBetween("row", request.rows, numRows, 0, numInputs - 1);
        long sum = 0;
        for (int i = 0; i < numExperts; i++) {
            sum += request.counts[i];
        }
        if (sum != numRows) {
            throw new MalformedMessageException("rows of all experts", String.valueOf(numRows), sum);
        }
        request.sequence = sequence;
        request.layer = layer;
        request.tokens = tokens;
        request.size = size;
        request.numExperts = numExperts;
        request.numRows = numRows;
        request.numInputs = numInputs;
    }

    /// Reads a reply; whether it is one to a certain request is for who made that to say.
    public void reply(ExpertReply reply) {
        require(MessageKind.REPLY);
        long sequence = number("sequence");
        long nanos = number("nanoseconds");
        int numExperts = count("experts", 1, ExpertId.MAX_INDEX + 1);
        int numRows = count("rows", 0, Protocol.MAX_BYTES);
        int size = count("size", 1, MAX_SIZE);
        int numRead = count("experts read", 0, numExperts);
        requireBytes(Protocol.replyBytes(numExperts, numRows, size));
        reply.reserve(numExperts, numRows, size);
        for (int i = 0; i < numExperts; i++) {
            byte lacking = bytes[position++];
            if (lacking != 0 && lacking != 1) {
                throw new MalformedMessageException("whether expert " + i + " is lacking", "0 or 1", lacking);
            }
            reply.lacking[i] = lacking == 1;
        }
        getFloats(reply.outputs, numRows * size);
        reply.sequence = sequence;
        reply.nanos = nanos;
        reply.numExperts = numExperts;
        reply.numRows = numRows;
        reply.size = size;
        reply.numRead = numRead;
    }

    /// Returns the number of a ping or pong; of a ping, [#bytesBack()] may be asked for afterwards.
    public long probe(MessageKind kind) {
        require(kind);
        requireAtLeast(Protocol.PROBE_BYTES - Protocol.HEADER_BYTES);
        return number("number");
    }

    /// Returns the bytes that a ping asks for.
    public int bytesBack() {
        return count("bytes back", 0, Protocol.MAX_BYTES);
    }

    private Map<Integer, FfnActivation> activations() {
        int numBytes = count("bytes of activations", 0, length);
        if (numBytes % ACTIVATION_BYTES != 0) {
            throw new MalformedMessageException("bytes of activations", "a multiple of " + ACTIVATION_BYTES, numBytes);
        }
        requireAtLeast(numBytes);
        Map<Integer, FfnActivation> activations = new TreeMap<>();
        int least = 0;
        for (int i = 0; i < numBytes / ACTIVATION_BYTES; i++) {
            int layer = count("layer", least, ExpertId.MAX_INDEX / 2);
            activations.put(layer, activation());
            least = layer + 1;
        }
        return activations;
    }

    private FfnActivation activation() {
        int number = count("activation", 0, 6);
        float limit = segment.get(MessageWriter.FLOAT, position);
        float alpha = segment.get(MessageWriter.FLOAT, position + Float.BYTES);
        position += 2 * Float.BYTES;
        boolean clamped = number == 1;
        boolean limited = clamped || number == 2 || number == 6;
        if ((!clamped && Float.floatToRawIntBits(alpha) != 0) || (!limited && Float.floatToRawIntBits(limit) != 0)) {
            throw new MalformedMessageException("activation", "no number that it has no use for", limit + ", " + alpha);
        }
        try {
            return switch (number) {
                case 0 -> FfnActivation.SWIGLU;
                case 1 -> new FfnActivation.ClampedSwiGlu(limit, alpha);
                case 2 -> new FfnActivation.LimitedSwiGlu(limit);
                case 3 -> FfnActivation.GEGLU;
                case 4 -> FfnActivation.RELU;
                case 5 -> FfnActivation.SQUARED_RELU;
                default -> new FfnActivation.CappedSwiGlu(limit);
            };
        } catch (IllegalArgumentException e) {
            throw new MalformedMessageException(
                    "activation", "finite numbers, the limit above 0", limit + ", " + alpha);
        }
    }

    private int[] idsThatFollow() {
        int count = count("experts", 0, Protocol.MAX_BYTES);
        requireBytes(position + (long) Integer.BYTES * count);
        int[] ids = new int[count];
        getInts(ids, count);
        requireBetween("expert", ids, count, 0, Integer.MAX_VALUE);
        return ids;
    }

    private String text(String field) {
        byte[] utf8 = bytes(field, Protocol.MAX_TEXT_BYTES);
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(utf8))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new MalformedMessageException(field, "UTF-8", "other bytes");
        }
        if (text.chars().anyMatch(UnsafeCharacters::isUnsafe)) {
            throw new MalformedMessageException(field, "a text that can be shown", "another one");
        }
        return text;
    }

    private byte[] bytes(String field, int most) {
        int count = count("bytes of " + field, 0, most);
        requireAtLeast(count);
        byte[] copy = new byte[count];
        System.arraycopy(bytes, position, copy, 0, count);
        position += count;
        return copy;
    }

    private boolean flag(String field) {
        return count(field, 0, 1) == 1;
    }

    private double speed(String field) {
        requireAtLeast(Double.BYTES);
        double value = segment.get(MessageWriter.DOUBLE, position);
        position += Double.BYTES;
        if (!(value > 0 && value <= Double.MAX_VALUE)) {
            throw new MalformedMessageException(field, "a finite number above 0", value);
        }
        return value;
    }

    private long number(String field) {
        requireAtLeast(Long.BYTES);
        long value = segment.get(MessageWriter.LONG, position);
        position += Long.BYTES;
        if (value < 0) {
            throw new MalformedMessageException(field, "at least 0", value);
        }
        return value;
    }

    private int count(String field, int least, int most) {
        requireAtLeast(Integer.BYTES);
        int value = segment.get(MessageWriter.INT, position);
        position += Integer.BYTES;
        if (value < least || value > most) {
            throw new MalformedMessageException(field, least + " to " + most, value);
        }
        return value;
    }

    private void getInts(int[] values, int count) {
        MemorySegment.copy(segment, MessageWriter.INT, position, values, 0, count);
        position += Integer.BYTES * count;
    }

    private void getFloats(float[] values, int count) {
        MemorySegment.copy(segment, MessageWriter.FLOAT, position, values, 0, count);
        position += Float.BYTES * count;
    }

    private static void requireBetween(String field, int[] values, int count, int least, int most) {
        for (int i = 0; i < count; i++) {
            if (values[i] < least || values[i] > most) {
                throw new MalformedMessageException(field, least + " to " + most, values[i]);
            }
        }
    }

    private void require(MessageKind expected) {
        if (kind != expected) {
            throw new MalformedMessageException("kind", expected.toString(), kind);
        }
    }

    private void requireAtLeast(int numBytes) {
        if (length - position < numBytes) {
            throw new MalformedMessageException("bytes that follow", "at least " + numBytes, length - position);
        }
    }

    private void requireBytes(long numBytes) {
        if (length != numBytes) {
            throw new MalformedMessageException("bytes", String.valueOf(numBytes), length);
        }
    }

    private void end() {
        requireBytes(position);
    }

    private static String hex(int value) {
        return String.format("%08x", value);
    }
}
