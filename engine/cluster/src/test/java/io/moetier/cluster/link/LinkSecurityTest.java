package io.moetier.cluster.link;

import static io.moetier.cluster.link.LinkFixture.HOST;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.relay.Relay;
import io.moetier.cluster.wire.MessageKind;
import io.moetier.cluster.wire.MessageWriter;
import io.moetier.cluster.wire.Messages;
import io.moetier.cluster.wire.Protocol;
import io.moetier.testdata.TestData;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Who is let in, and what strangers and members out of order are told.
@Timeout(120)
class LinkSecurityTest {
    private static final String SECRET = "a secret of this cluster";

    @TempDir
    Path folder;

    private final TestService service = new TestService();

    @AfterEach
    void stop() throws InterruptedException {
        LinkFixture.requireNoThreads();
    }

    @Test
    void anotherSecretIsRefused() throws IOException {
        try (NodeServer server = start(secret(SECRET))) {
            assertEquals("it does not have the secret of this cluster", failure(server, secret(SECRET + ".")));
            assertTrue(service.hellos.isEmpty());
            LinkFixture.open(server.port(), secret(SECRET)).close();
        }
    }

    /// Who takes every node, and has no key that the node takes.
    @Test
    void aDriverThatBelievesAnybodyIsNotBelieved() throws Exception {
        Identity other = secret(SECRET + ".");
        Identity careless =
                new Identity(other.key(), other.chain(), secret(SECRET).trust(), Optional.empty());
        try (NodeServer server = start(secret(SECRET))) {
            String sentence = failure(server, careless);
            assertTrue(sentence.startsWith("it does not take the secret of this cluster: "), sentence);
            try (Stranger driver = new Stranger(server.port(), careless)) {
                Heard heard = driver.call(ProtocolHeader.headers());
                heard.send(hello());
                assertFalse(heard.closed.get(1, TimeUnit.MINUTES).isOk());
            }
            assertTrue(service.hellos.isEmpty());
        }
    }

    @Test
    void certificatesOfOneAuthorityAreEnough() throws IOException {
        try (NodeServer server = start(tls("cluster", "cluster"));
                NodeLink link = LinkFixture.open(server.port(), tls("cluster", "cluster"))) {
            assertTrue(link.roundTripNanos(1 << 20, 1 << 20, 2) > 0);
        }
    }

    @Test
    void certificatesOfAnotherAuthorityAreRefused() throws IOException {
        try (NodeServer server = start(tls("cluster", "cluster"))) {
            Identity stranger = tls("stranger", "stranger");
            assertEquals(
                    "its certificate does not come from the authority of " + path(stranger, "ca.pem"),
                    failure(server, stranger));
            Identity pretender = tls("cluster", "stranger");
            String sentence = failure(server, pretender);
            assertTrue(
                    sentence.startsWith("it does not take the certificate of " + path(pretender, "cert.pem") + ": "),
                    sentence);
            assertTrue(service.hellos.isEmpty());
        }
    }

    @Test
    void oneSideWithoutCertificatesIsRefused() throws IOException {
        try (NodeServer server = start(tls("cluster", "cluster"))) {
            assertEquals("it does not have the secret of this cluster", failure(server, secret(SECRET)));
        }
        try (NodeServer server = start(secret(SECRET))) {
            Identity tls = tls("cluster", "cluster");
            assertEquals(
                    "its certificate does not come from the authority of " + path(tls, "ca.pem"), failure(server, tls));
        }
        assertTrue(service.hellos.isEmpty());
    }

    @Test
    void whoSpeaksNoTlsIsNotHeard() throws Exception {
        try (NodeServer server = start(secret(SECRET));
                Stranger driver = new Stranger(server.port())) {
            Heard heard = driver.call(ProtocolHeader.headers());
            heard.send(hello());
            assertFalse(heard.closed.get(1, TimeUnit.MINUTES).isOk());
            assertTrue(service.hellos.isEmpty());
        }
    }

    @Test
    void anotherVersionIsRefused() throws Exception {
        try (NodeServer server = start(secret(SECRET));
                Stranger driver = new Stranger(server.port(), secret(SECRET))) {
            Metadata headers = new Metadata();
            headers.put(ProtocolHeader.VERSION, "2");
            assertEquals(
                    "the node speaks version 1 of the protocol and the driver 2: both must be of the same version of"
                            + " Moetier",
                    driver.refused(driver.call(headers)));
            assertEquals(
                    "the node speaks version 1 of the protocol and the driver none: both must be of the same version"
                            + " of Moetier",
                    driver.refused(driver.call(new Metadata())));
        }
    }

    @Test
    void aConnectionThatIsRepeatedWordForWordGetsNoLink() throws IOException {
        try (NodeServer server = start(secret(SECRET));
                Relay relay = Relay.to(server.port()).duplicate();
                NodeLink link = LinkFixture.open(relay.port(), secret(SECRET))) {
            assertTrue(link.roundTripNanos(1000, 1000, 3) > 0);
            assertEquals(1, service.hellos.size());
        }
        assertEquals(1, service.hellos.size());
    }

    @Test
    void whatIsNoMessageEndsTheLink() throws Exception {
        Random random = new Random(24);
        try (NodeServer server = start(secret(SECRET))) {
            for (byte[] garbage : List.of(
                    new byte[0],
                    new byte[100],
                    Messages.random(MessageKind.READY, random),
                    Messages.random(MessageKind.HELLO, random))) {
                try (Stranger driver = new Stranger(server.port(), secret(SECRET))) {
                    Heard heard = driver.link();
                    heard.send(hello());
                    heard.send(garbage);
                    String sentence = driver.refused(heard);
                    assertTrue(
                            sentence.startsWith("malformed message: ") || sentence.startsWith("a driver does not send"),
                            sentence);
                }
            }
        }
    }

    @Test
    void whatIsNoHelloEndsTheLink() throws Exception {
        try (NodeServer server = start(secret(SECRET));
                Stranger driver = new Stranger(server.port(), secret(SECRET))) {
            Heard heard = driver.link();
            heard.send(Messages.random(MessageKind.REQUEST, new Random(1)));
            assertEquals("malformed message: kind: expected HELLO, found REQUEST", driver.refused(heard));
        }
    }

    @Test
    void aMessageThatIsTooLargeEndsTheLink() throws Exception {
        try (NodeServer server = start(secret(SECRET));
                Stranger driver = new Stranger(server.port(), secret(SECRET))) {
            Heard heard = driver.link();
            heard.send(hello());
            service.ready.take(); // what comes before the node has opened would end it unopened
            heard.send(new byte[Protocol.MAX_BYTES + 1]);
            heard.call.request(2);
            assertFalse(heard.closed.get(1, TimeUnit.MINUTES).isOk());
            assertTrue(service.closed.await(1, TimeUnit.MINUTES));
        }
    }

    /// The thread of the link waits with its second or third pong; what follows is held back by the driver's transport.
    @Test
    void aDriverThatNeverReadsStopsItsOwnThreadOnly() throws Exception {
        try (NodeServer server = start(secret(SECRET));
                Stranger driver = new Stranger(server.port(), secret(SECRET))) {
            Heard heard = driver.link();
            heard.send(hello());
            MessageWriter writer = new MessageWriter();
            writer.writePing(1, 4 << 20, Protocol.MAX_BYTES);
            for (int i = 0; i < 20; i++) {
                heard.send(Messages.bytes(writer));
            }
            while (Thread.getAllStackTraces().entrySet().stream()
                    .noneMatch(entry -> entry.getKey().getName().startsWith("moetier-node-link-")
                            && entry.getValue().length > 1
                            && List.of(entry.getValue()).toString().contains("ServedLink.mayWrite"))) {
                Thread.onSpinWait();
            }
            try (NodeLink other = LinkFixture.open(server.port(), secret(SECRET))) {
                assertTrue(other.roundTripNanos(1, 1, 1) > 0);
            }
            assertFalse(heard.call.isReady());
            heard.call.cancel("enough", null);
            assertTrue(service.closed.await(1, TimeUnit.MINUTES));
        }
    }

    @Test
    void filesThatAreNotWhatTheyShouldBeAreNamed() throws IOException {
        Path tls = LinkFixture.tls(folder, "cluster", "cluster");
        assertTls(tls, "key.pem", "no key at all", "has no key in PKCS#8, which begins with BEGIN PRIVATE KEY");
        assertTls(
                tls,
                "key.pem",
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "has no key of the kind that cert.pem has, EC");
        assertTls(
                tls,
                "key.pem",
                Files.readString(TestData.root().resolve("tls/stranger/key.pem")),
                "does not belong to cert.pem");
        assertTls(tls, "cert.pem", "", "has no certificate");
        assertTls(tls, "ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n", "is no certificate in PEM");
        Files.setPosixFilePermissions(tls.resolve("key.pem"), PosixFilePermissions.fromString("rw-r--r--"));
        assertEquals(
                tls.resolve("key.pem") + ": a secret that others may read or write is none; chmod 600 makes it one",
                assertThrows(IOException.class, () -> LinkFixture.certificates(tls))
                        .getMessage());
        Files.delete(tls.resolve("ca.pem"));
        Files.setPosixFilePermissions(tls.resolve("key.pem"), PosixFilePermissions.fromString("rw-------"));
        assertEquals(
                tls.resolve("ca.pem") + ": no such file or directory",
                assertThrows(IOException.class, () -> LinkFixture.certificates(tls))
                        .getMessage());
    }

    private static void assertTls(Path tls, String name, String content, String reason) throws IOException {
        Path file = tls.resolve(name);
        byte[] before = Files.readAllBytes(file);
        Files.writeString(file, content);
        assertEquals(
                file + ": " + reason,
                assertThrows(IOException.class, () -> LinkFixture.certificates(tls))
                        .getMessage());
        Files.write(file, before);
    }

    private NodeServer start(Identity identity) throws IOException {
        return NodeServer.start(HOST, 0, identity, service);
    }

    private Identity secret(String text) throws IOException {
        return LinkFixture.secret(folder, text);
    }

    private Identity tls(String authority, String member) throws IOException {
        return LinkFixture.certificates(LinkFixture.tls(folder, authority, member));
    }

    private static Path path(Identity identity, String name) {
        return identity.folder().orElseThrow().folder().resolve(name);
    }

    private static String failure(NodeServer server, Identity identity) {
        return sentence(server, assertThrows(IOException.class, () -> LinkFixture.open(server.port(), identity)));
    }

    private static String sentence(NodeServer server, Exception e) {
        String prefix = HOST + ":" + server.port() + ": ";
        String message = String.valueOf(e.getMessage());
        assertTrue(message.startsWith(prefix), message);
        return message.substring(prefix.length());
    }

    private static byte[] hello() {
        MessageWriter writer = new MessageWriter();
        writer.write(LinkFixture.hello("abc"));
        return Messages.bytes(writer);
    }

    /// What a stranger hears of a call. It asks for no message.
    private static final class Heard extends ClientCall.Listener<InputStream> {
        private final CompletableFuture<Metadata> headers = new CompletableFuture<>();
        private final CompletableFuture<Status> closed = new CompletableFuture<>();
        private final ClientCall<InputStream, InputStream> call;

        Heard(ClientCall<InputStream, InputStream> call) {
            this.call = call;
        }

        @Override
        public void onHeaders(Metadata received) {
            headers.complete(received);
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            closed.complete(status);
        }

        void send(byte[] message) {
            call.sendMessage(new ByteArrayInputStream(message));
        }
    }

    /// A driver that does as it likes.
    private static final class Stranger implements AutoCloseable {
        private final EventLoopGroup thread = Streams.thread("moetier-stranger");
        private final ManagedChannel channel;

        Stranger(int port) {
            this(port, NettyChannelBuilder::usePlaintext);
        }

        Stranger(int port, Identity identity) {
            this(port, builder -> builder.sslContext(Tls.client(identity)));
        }

        private Stranger(int port, UnaryOperator<NettyChannelBuilder> security) {
            channel = security.apply(NettyChannelBuilder.forAddress(
                                    new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                            .channelType(NioSocketChannel.class, InetSocketAddress.class)
                            .eventLoopGroup(thread)
                            .directExecutor()
                            .disableRetry())
                    .build();
        }

        Heard call(Metadata headers) {
            ClientCall<InputStream, InputStream> call = channel.newCall(Streams.LINK, CallOptions.DEFAULT);
            Heard heard = new Heard(call);
            call.start(heard, headers);
            return heard;
        }

        /// Opens a link as a member does.
        Heard link() throws Exception {
            Heard heard = call(ProtocolHeader.headers());
            heard.headers.get(1, TimeUnit.MINUTES);
            return heard;
        }

        String refused(Heard heard) throws Exception {
            heard.call.request(1); // an end is told behind what came before it
            return Failure.refusal(heard.closed.get(1, TimeUnit.MINUTES)).orElseThrow();
        }

        @Override
        public void close() {
            channel.shutdownNow();
            Streams.end(thread);
        }
    }
}
