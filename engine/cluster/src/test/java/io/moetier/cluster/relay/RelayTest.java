package io.moetier.cluster.relay;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RelayTest {
    private ServerSocket server;
    private Relay relay;

    @BeforeEach
    void start() throws IOException {
        server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        relay = Relay.to(server.getLocalPort());
    }

    @AfterEach
    void stop() throws IOException {
        relay.close();
        server.close();
        assertFalse(Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().startsWith("relay-")));
    }

    @Test
    void bytesComeThroughBothWaysAndSoDoesAnEnd() throws IOException, InterruptedException {
        byte[] sent = new byte[3 << 20];
        new Random(1).nextBytes(sent);
        try (Socket client = client();
                Socket taken = server.accept()) {
            Thread writer = Thread.ofPlatform().start(() -> write(client, sent));
            assertArrayEquals(sent, taken.getInputStream().readNBytes(sent.length));
            write(taken, new byte[] {7});
            assertEquals(7, client.getInputStream().read());
            writer.join();
            client.shutdownOutput();
            assertEquals(-1, taken.getInputStream().read());
            assertEquals(sent.length + 1, relay.bytesPassed());
        }
    }

    @Test
    void nothingIsEarlierThanTheLinkAllows() throws IOException {
        relay.delay(20_000).rate(1_000_000);
        try (Socket client = client();
                Socket taken = server.accept()) {
            long start = System.nanoTime();
            write(client, new byte[30_000]);
            taken.getInputStream().readNBytes(30_000);
            assertTrue(System.nanoTime() - start >= TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    @Test
    void aStallEndsWhenItIsResumed() throws IOException {
        try (Socket client = client();
                Socket taken = server.accept()) {
            relay.stall();
            write(client, new byte[] {1});
            taken.setSoTimeout(50);
            assertThrows(
                    SocketTimeoutException.class, () -> taken.getInputStream().read());
            relay.resume();
            taken.setSoTimeout(0);
            assertEquals(1, taken.getInputStream().read());
        }
    }

    @Test
    void aCutEndsBothSidesUntilItIsMended() throws IOException {
        try (Socket client = client();
                Socket taken = server.accept()) {
            relay.cut();
            assertTrue(hasEnded(client));
            assertTrue(hasEnded(taken));
        }
        try (Socket refused = client()) {
            assertTrue(hasEnded(refused));
        }
        relay.mend();
        try (Socket client = client();
                Socket taken = server.accept()) {
            write(client, new byte[] {2});
            assertEquals(2, taken.getInputStream().read());
        }
    }

    @Test
    void aCopyGoesToASecondConnection() throws IOException {
        relay.duplicate();
        try (Socket client = client();
                Socket first = server.accept();
                Socket second = server.accept()) {
            write(client, new byte[] {3});
            assertEquals(3, first.getInputStream().read());
            assertEquals(3, second.getInputStream().read());
        }
    }

    private Socket client() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), relay.port());
    }

    private static boolean hasEnded(Socket socket) {
        try {
            return socket.getInputStream().read() < 0;
        } catch (IOException e) {
            return true; // reset
        }
    }

    private static void write(Socket socket, byte[] bytes) {
        try {
            socket.getOutputStream().write(bytes);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
