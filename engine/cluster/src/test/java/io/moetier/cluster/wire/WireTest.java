package io.moetier.cluster.wire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.TestData;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WireTest {
    private static final int MESSAGES = 200;
    private static final int MUTATED = 8;

    private final Random random = new Random(24);

    @ParameterizedTest
    @EnumSource
    void eachMessageComesThrough(MessageKind kind) {
        for (int i = 0; i < MESSAGES; i++) {
            byte[] message = Messages.random(kind, random);
            assertArrayEquals(message, Messages.writtenAgain(message));
        }
    }

    /// As written by a program in another language, which shares nothing with the writer.
    @ParameterizedTest
    @EnumSource
    void theFirstInputsOfTheFuzzerAreMessages(MessageKind kind) throws IOException {
        byte[] message = Files.readAllBytes(
                TestData.root().resolve("fuzz/Wire").resolve(kind.name().toLowerCase(Locale.ROOT)));
        assertEquals(kind, MessageReader.kindOf(message));
        assertArrayEquals(message, Messages.writtenAgain(message));
    }

    @Test
    void aHelloComesThroughWhole() throws IOException {
        for (int i = 0; i < MESSAGES; i++) {
            Hello hello = Messages.hello(random);
            MessageWriter writer = new MessageWriter();
            writer.write(hello);
            Hello read = reader(Messages.bytes(writer)).hello();
            assertEquals(hello.version() + hello.kernels(), read.version() + read.kernels());
            assertEquals(hello.model(), read.model());
            assertEquals(hello.mixed(), read.mixed());
            assertEquals(hello.activations(), read.activations());
            assertArrayEquals(hello.manifest(), read.manifest());
        }
    }

    @Test
    void floatsKeepTheirBits() throws IOException {
        ExpertRequest request = new ExpertRequest();
        Messages.fill(request, random, 1, 1, 3);
        int[] bits = {0x7fa00001, 0x80000000, 0xff800000};
        for (int i = 0; i < bits.length; i++) {
            request.inputs[i] = Float.intBitsToFloat(bits[i]);
        }
        MessageWriter writer = new MessageWriter();
        writer.write(request);
        ExpertRequest read = new ExpertRequest();
        reader(Messages.bytes(writer)).request(read);
        for (int i = 0; i < bits.length; i++) {
            assertEquals(bits[i], Float.floatToRawIntBits(read.inputs[i]));
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsCutShortOrTooLongIsRefused(MessageKind kind) {
        for (int i = 0; i < MUTATED; i++) {
            byte[] message = Messages.random(kind, random);
            for (int length = 0; length < message.length; length++) {
                readOrRefuse(Arrays.copyOf(message, length));
            }
            readOrRefuse(Arrays.copyOf(message, message.length + 1));
        }
    }

    @ParameterizedTest
    @EnumSource
    void anyOtherByteIsReadOrRefused(MessageKind kind) {
        for (int i = 0; i < MUTATED; i++) {
            byte[] message = Messages.random(kind, random);
            for (int place = 0; place < message.length; place++) {
                byte before = message[place];
                for (int other : new int[] {0, 1, -1, 127, -128, before ^ 1 << random.nextInt(8)}) {
                    message[place] = (byte) other;
                    readOrRefuse(message);
                }
                message[place] = before;
            }
        }
    }

    /// Either it is refused, or it is a message that there is one way to write.
    static void readOrRefuse(byte[] message) {
        byte[] again;
        try {
            again = Messages.writtenAgain(message);
        } catch (MalformedMessageException e) {
            return;
        }
        if (MessageReader.kindOf(message) != MessageKind.PING && MessageReader.kindOf(message) != MessageKind.PONG) {
            assertArrayEquals(message, again);
        }
    }

    @Test
    void refusalsSayWhatIsWrong() {
        byte[] message = Messages.random(MessageKind.REQUEST, random);
        assertEquals(
                "malformed message: magic: expected 5245544d, found 00000000",
                refusal(ByteBuffer.wrap(message.clone()).putInt(0, 0)));
        assertEquals(
                "malformed message: version: expected 1, found 2",
                refusal(ByteBuffer.wrap(message.clone()).put(4, (byte) 2)));
        assertEquals(
                "malformed message: kind of a message: expected below 8, found 8",
                refusal(ByteBuffer.wrap(message.clone()).put(6, (byte) 8)));
        assertEquals("malformed message: bytes: expected at least 8, found 3", refusal(ByteBuffer.allocate(3)));
        assertEquals("malformed message: rows of an expert: expected 1 to 1, found 2", refusal(request(1, 1, 1, 2)));
        assertEquals(
                "malformed message: row: expected 0 to 0, found 1",
                refusal(request(1, 1, 1, 1).putInt(52, 1)));
    }

    @Test
    void textsCanBeShown() {
        for (String text : new String[] {"a\u001b[2J", "a\nb", "\u009b", "\u202e"}) {
            MessageWriter writer = new MessageWriter();
            writer.write(new Welcome(text, 1, 1, 1, new int[0]));
            assertEquals(
                    "malformed message: kernels: expected a text that can be shown, found another one",
                    refusal(ByteBuffer.wrap(Messages.bytes(writer))));
        }
    }

    /// Nothing can be placed on a node that computes or reads nothing.
    @Test
    void speedsAreAboveNothing() {
        for (double[] speeds : new double[][] {{0, 1}, {1, 0}, {-0.0, 1}, {1, Double.NaN}}) {
            MessageWriter writer = new MessageWriter();
            writer.write(new Welcome("neon", 1, speeds[0], speeds[1], new int[0]));
            assertTrue(refusal(ByteBuffer.wrap(Messages.bytes(writer))).contains(": expected a finite number above 0"));
        }
    }

    @Test
    void numbersThatPromiseMoreThanFollowsMakeNoRoom() {
        ByteBuffer message = request(1, 1, 1, 1);
        for (int place = 16; place < 40; place += 4) {
            message.putInt(place, 1 << 20);
        }
        assertEquals("malformed message: layer: expected 0 to 32767, found 1048576", refusal(message));
        message.putInt(16, 0).putInt(28, 1);
        assertEquals(
                "malformed message: bytes: expected " + (40 + 4 * (3 + (1L << 20) + (1L << 40)) + ", found 60"),
                refusal(message));
    }

    @Test
    void aRequestWhoseReplyWouldBeTooLargeIsRefused() {
        ExpertRequest request = new ExpertRequest();
        Messages.fill(request, random, 1, 1, 1 << 16);
        request.numRows = 64;
        request.counts[0] = 64;
        request.rows = new int[64];
        assertEquals(
                "a message of 16777257 bytes is too large: at most 16777216 cross at once",
                assertThrows(IllegalArgumentException.class, () -> new MessageWriter().write(request))
                        .getMessage());
        request.numRows = 63;
        request.counts[0] = 63;
        new MessageWriter().write(request);
    }

    @Test
    void aStreamThatEndsEarlyIsNoMessage() {
        byte[] message = Messages.random(MessageKind.REPLY, random);
        assertThrows(
                EOFException.class,
                () -> new MessageReader()
                        .take(Arrays.copyOf(message, 8), InputStream.nullInputStream(), message.length));
    }

    private static String refusal(ByteBuffer message) {
        byte[] bytes = new byte[message.capacity()];
        message.get(0, bytes);
        return String.valueOf(assertThrows(MalformedMessageException.class, () -> Messages.writtenAgain(bytes))
                .getMessage());
    }

    /// Returns a request of one expert, whose row is the input 0, with these numbers in its places.
    private ByteBuffer request(int numExperts, int numRows, int numInputs, int count) {
        ExpertRequest request = new ExpertRequest();
        do {
            Messages.fill(request, random, 1, 1, 1);
        } while (request.numRows != 1);
        MessageWriter writer = new MessageWriter();
        writer.write(request);
        return ByteBuffer.wrap(Messages.bytes(writer))
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(28, numExperts)
                .putInt(32, numRows)
                .putInt(36, numInputs)
                .putInt(44, count);
    }

    private static MessageReader reader(byte[] message) throws IOException {
        MessageReader reader = new MessageReader();
        reader.take(Arrays.copyOf(message, 8), new ByteArrayInputStream(message, 8, message.length), message.length);
        return reader;
    }
}
