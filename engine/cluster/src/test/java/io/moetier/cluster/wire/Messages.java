package io.moetier.cluster.wire;

import io.moetier.kernels.device.FfnActivation;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/// Messages for tests: random ones, their bytes, and what is read from bytes.
public final class Messages {
    private static final List<FfnActivation> ACTIVATIONS = List.of(
            FfnActivation.SWIGLU,
            new FfnActivation.ClampedSwiGlu(7, 1.702f),
            new FfnActivation.LimitedSwiGlu(10),
            FfnActivation.GEGLU,
            FfnActivation.RELU,
            FfnActivation.SQUARED_RELU,
            new FfnActivation.CappedSwiGlu(7));

    private Messages() {}

    /// Returns a message of a kind in bytes.
    public static byte[] random(MessageKind kind, RandomGenerator random) {
        MessageWriter writer = new MessageWriter();
        switch (kind) {
            case HELLO -> writer.write(hello(random));
            case WELCOME -> writer.write(welcome(random));
            case ASSIGN, READY -> writer.writeIds(kind, ids(random));
            case REQUEST -> {
                ExpertRequest request = new ExpertRequest();
                fill(request, random, 1 + random.nextInt(5), 1 + random.nextInt(4), 1 + random.nextInt(9));
                writer.write(request);
            }
            case REPLY -> writer.write(reply(random));
            case PING -> writer.writePing(random.nextLong(1L << 62), random.nextInt(64), random.nextInt(1000));
            case PONG -> writer.writePong(random.nextLong(1L << 62), random.nextInt(64));
        }
        return bytes(writer);
    }

    /// Returns a copy of what was written last.
    public static byte[] bytes(MessageWriter writer) {
        return Arrays.copyOf(writer.bytes(), writer.length());
    }

    /// Reads a message of any kind and writes it again.
    ///
    /// @throws MalformedMessageException if it is none
    static byte[] writtenAgain(byte[] message) {
        MessageReader reader = new MessageReader();
        try {
            reader.take(
                    Arrays.copyOf(message, Math.min(message.length, Protocol.HEADER_BYTES)),
                    new ByteArrayInputStream(
                            message, Protocol.HEADER_BYTES, Math.max(0, message.length - Protocol.HEADER_BYTES)),
                    message.length);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        MessageWriter writer = new MessageWriter();
        MessageKind kind = reader.kind();
        switch (kind) {
            case HELLO -> writer.write(reader.hello());
            case WELCOME -> writer.write(reader.welcome());
            case ASSIGN, READY -> writer.writeIds(kind, reader.ids(kind));
            case REQUEST -> {
                ExpertRequest request = new ExpertRequest();
                reader.request(request);
                writer.write(request);
            }
            case REPLY -> {
                ExpertReply reply = new ExpertReply();
                reader.reply(reply);
                writer.write(reply);
            }
            case PING -> writer.writePing(reader.probe(kind), message.length, reader.bytesBack());
            case PONG -> writer.writePong(reader.probe(kind), message.length);
        }
        return bytes(writer);
    }

    public static Hello hello(RandomGenerator random) {
        Map<Integer, FfnActivation> activations = new TreeMap<>();
        for (int i = random.nextInt(4); i >= 0; i--) {
            activations.put(random.nextInt(60), ACTIVATIONS.get(random.nextInt(ACTIVATIONS.size())));
        }
        byte[] manifest = new byte[random.nextInt(50)];
        random.nextBytes(manifest);
        return new Hello("0.1.0", "avx-512 é" + random.nextInt(), random.nextBoolean(), "abc", manifest, activations);
    }

    private static Welcome welcome(RandomGenerator random) {
        int[] onDisk = Arrays.stream(ids(random)).sorted().distinct().toArray();
        return new Welcome("neon", random.nextLong(1L << 40), random.nextDouble() * 1e11, random.nextDouble(), onDisk);
    }

    private static int[] ids(RandomGenerator random) {
        return random.ints(random.nextInt(20), 0, Integer.MAX_VALUE).toArray();
    }

    /// Makes a request of `experts`, each with up to four rows, whose floats are any bits.
    public static void fill(ExpertRequest request, RandomGenerator random, int experts, int inputs, int size) {
        int[] counts = random.ints(experts, 1, 5).toArray();
        int numRows = Arrays.stream(counts).sum();
        request.reserve(experts, numRows, inputs, size);
        request.sequence = random.nextLong(1L << 62);
        request.layer = random.nextInt(100);
        request.tokens = 1 + random.nextInt(100);
        request.size = size;
        request.numExperts = experts;
        request.numRows = numRows;
        request.numInputs = inputs;
        for (int i = 0; i < experts; i++) {
            request.experts[i] = random.nextInt(512);
            request.counts[i] = counts[i];
            request.weights[i] = random.nextFloat();
        }
        for (int i = 0; i < numRows; i++) {
            request.rows[i] = random.nextInt(inputs);
        }
        for (int i = 0; i < inputs * size; i++) {
            request.inputs[i] = Float.intBitsToFloat(random.nextInt());
        }
    }

    private static ExpertReply reply(RandomGenerator random) {
        ExpertReply reply = new ExpertReply();
        reply.sequence = random.nextLong(1L << 62);
        reply.nanos = random.nextLong(1L << 40);
        reply.numExperts = 1 + random.nextInt(9);
        reply.numRows = random.nextInt(6);
        reply.size = 1 + random.nextInt(9);
        reply.numRead = random.nextInt(reply.numExperts + 1);
        reply.reserve(reply.numExperts, reply.numRows, reply.size);
        for (int i = 0; i < reply.numExperts; i++) {
            reply.lacking[i] = random.nextBoolean();
        }
        for (int i = 0; i < reply.numRows * reply.size; i++) {
            reply.outputs[i] = Float.intBitsToFloat(random.nextInt());
        }
        return reply;
    }
}
