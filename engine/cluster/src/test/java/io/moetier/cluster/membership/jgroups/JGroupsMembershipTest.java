package io.moetier.cluster.membership.jgroups;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.link.NodeServer;
import io.moetier.cluster.link.RefusedException;
import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.MemberLeftException;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.MembershipException;
import io.moetier.cluster.membership.MembershipListener;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.membership.Offer.Role;
import io.moetier.cluster.membership.PortTakenException;
import io.moetier.cluster.membership.SharedSecret;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jgroups.BytesMessage;
import org.jgroups.JChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JGroupsMembershipTest {
    private static final String SECRET = "0123456789abcdef";

    @TempDir
    Path folder;

    /// Writes down who comes and goes.
    private static final class Diary implements MembershipListener {
        private final BlockingQueue<String> entries = new LinkedBlockingQueue<>();

        @Override
        public void onJoined(Member member) {
            entries.add("+" + member.name());
        }

        @Override
        public void onLeft(Member member) {
            entries.add("-" + member.name());
        }

        String next() throws InterruptedException {
            return String.valueOf(entries.poll(2, TimeUnit.MINUTES));
        }
    }

    @Test
    void membersKnowEachOtherAndWhatTheyOffer() throws Exception {
        try (Cluster cluster = new Cluster(folder, SECRET)) {
            JGroupsMembership a = cluster.start("a");
            assertEquals(List.of(a.self()), a.members());
            Diary diary = new Diary();
            a.listen(diary);
            JGroupsMembership b = cluster.start("same");
            assertEquals(List.of(a.self(), b.self()), b.members());
            assertEquals("+same", diary.next());
            assertEquals(b.self(), Cluster.named(a, "same"));
            JGroupsMembership c = cluster.start("same");
            assertEquals("+same", diary.next());
            Cluster.await("three", () -> b.members().equals(List.of(a.self(), b.self(), c.self())));
            assertEquals(3, c.members().stream().map(Member::id).distinct().count());
            cluster.stop(b);
            assertEquals("-same", diary.next());
            assertEquals(List.of(a.self(), c.self()), a.members());
        }
    }

    /// One dies, which its system tells; one hangs, and all its connections stay.
    @Test
    void whoDiesOrHangsHasLeft() throws Exception {
        Path secret = Files.createFile(
                folder.resolve("secret"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(secret, SECRET);
        try (Cluster cluster = new Cluster(folder, SECRET)) {
            JGroupsMembership a = cluster.start("a");
            Diary diary = new Diary();
            a.listen(diary);
            try (MemberProcess killed = MemberProcess.start(secret, "killed", Cluster.place(a));
                    MemberProcess hung = MemberProcess.start(secret, "hung", Cluster.place(a))) {
                assertEquals(
                        List.of("+hung", "+killed"),
                        List.of(diary.next(), diary.next()).stream().sorted().toList());
                killed.awaitWord("offers");
                hung.awaitWord("offers");
                CompletableFuture<byte[]> first = a.tasks().submit(Cluster.named(a, "killed"), "park", new byte[0]);
                CompletableFuture<byte[]> second = a.tasks().submit(Cluster.named(a, "hung"), "park", new byte[0]);
                killed.awaitWord("works");
                hung.awaitWord("works");
                killed.kill();
                assertEquals("-killed", diary.next());
                assertLeft(first);
                hung.hang();
                assertEquals("-hung", diary.next());
                assertLeft(second);
                assertEquals(List.of("a"), Cluster.names(a));
            }
        }
    }

    private static void assertLeft(CompletableFuture<byte[]> task) {
        assertInstanceOf(
                MemberLeftException.class,
                assertThrows(ExecutionException.class, () -> task.get(2, TimeUnit.MINUTES))
                        .getCause());
    }

    private static String refusal(Belonging belonging, boolean mustFind) {
        return String.valueOf(assertThrows(
                        MembershipException.class,
                        () -> JGroupsMembership.join(belonging, "x", Cluster.offer(Role.DRIVER), mustFind)
                                .close())
                .getMessage());
    }

    private static ClusterSettings settings(String name, String host, int port, List<String> join) {
        return new ClusterSettings(name, host, port, join, false, Optional.empty(), Optional.empty());
    }

    private Belonging certified(Path tls, List<String> join) throws IOException {
        return Belonging.read(
                new ClusterSettings("test", "127.0.0.1", 0, join, false, Optional.empty(), Optional.of(tls)), folder);
    }

    @Test
    void whoHasNotTheSecretStaysOut() throws Exception {
        SharedSecret secret = Cluster.secret(folder, SECRET);
        SharedSecret other = Cluster.secret(folder, SECRET + "!");
        try (Cluster cluster = new Cluster(folder, SECRET)) {
            JGroupsMembership a = cluster.start("a");
            String place = Cluster.place(a);
            String refusal = "who listens at " + place + " has another secret, or is of a cluster of another name";
            assertEquals(refusal, refusal(Cluster.belonging(other, List.of(place)), false));
            assertEquals(
                    refusal,
                    refusal(Cluster.belonging(secret, settings("test2", "127.0.0.1", 0, List.of(place))), true));
            assertTrue(refusal(certified(tls("cluster", "cluster"), List.of(place)), true)
                    .startsWith("who listens at " + place));
            assertEquals(List.of("a"), Cluster.names(a));
        }
    }

    /// A node has two ports, and `cluster status` shows both.
    @Test
    void whereExpertsAreNobodyIsJoined() throws Exception {
        SharedSecret secret = Cluster.secret(folder, SECRET);
        try (NodeServer node = NodeServer.start("127.0.0.1", 0, Identity.of(secret, "test"), (_, _) -> {
            throw new RefusedException("nobody");
        })) {
            String place = "127.0.0.1:" + node.port();
            assertEquals(
                    "who listens at " + place + " is of this cluster, but nobody is joined there: experts cross at that"
                            + " port, and members listen at another one",
                    refusal(Cluster.belonging(secret, List.of(place)), false));
        }
    }

    private Path tls(String authority, String member) throws Exception {
        Path copy = Files.createDirectories(folder.resolve(authority + "-" + member));
        for (String[] file : List.of(
                new String[] {authority, "ca.pem"}, new String[] {member, "cert.pem"}, new String[] {member, "key.pem"
                })) {
            Path to = copy.resolve(file[1]);
            Files.copy(TestData.root().resolve("tls").resolve(file[0]).resolve(file[1]), to);
            Files.setPosixFilePermissions(to, PosixFilePermissions.fromString("rw-------"));
        }
        return copy;
    }

    @Test
    void certificatesAreAsGoodAsASecret() throws Exception {
        Path tls = tls("cluster", "cluster");
        try (JGroupsMembership a =
                JGroupsMembership.join(certified(tls, List.of()), "a", Cluster.offer(Role.NODE), false)) {
            String place = Cluster.place(a);
            try (Membership b =
                    JGroupsMembership.join(certified(tls, List.of(place)), "b", Cluster.offer(Role.DRIVER), true)) {
                assertEquals(List.of("a", "b"), Cluster.names(b));
            }
            Path stranger = tls("stranger", "stranger");
            assertEquals(
                    "who listens at " + place + " has a certificate of another authority",
                    refusal(certified(stranger, List.of(place)), false));
            Path pretender = tls("cluster", "stranger");
            assertEquals(
                    "who listens at " + place + " does not take this process: its secret or certificate is another",
                    refusal(certified(pretender, List.of(place)), false));
        }
    }

    /// Takes its time to look at certificates, as on a busy machine.
    private static final class SlowTrust extends X509ExtendedTrustManager {
        private static final long MILLIS = 1000;

        private final X509ExtendedTrustManager trust;

        SlowTrust(X509ExtendedTrustManager trust) {
            this.trust = trust;
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String kind, Socket socket)
                throws CertificateException {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(MILLIS));
            trust.checkClientTrusted(chain, kind, socket);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String kind, SSLEngine engine)
                throws CertificateException {
            trust.checkClientTrusted(chain, kind, engine);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String kind) throws CertificateException {
            trust.checkClientTrusted(chain, kind);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String kind, Socket socket)
                throws CertificateException {
            trust.checkServerTrusted(chain, kind, socket);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String kind, SSLEngine engine)
                throws CertificateException {
            trust.checkServerTrusted(chain, kind, engine);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String kind) throws CertificateException {
            trust.checkServerTrusted(chain, kind);
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return trust.getAcceptedIssuers();
        }
    }

    @Test
    void aRefusalIsWaitedFor() throws Exception {
        Identity own = certified(tls("cluster", "cluster"), List.of()).identity();
        Identity slow = new Identity(own.key(), own.chain(), new SlowTrust(own.trust()), own.folder());
        try (GuardedServerSocket door =
                new GuardedServerSocket(slow.context(), new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            String place = "127.0.0.1:" + door.getLocalPort();
            assertEquals(
                    "who listens at " + place + " does not take this process: its secret or certificate is another",
                    refusal(certified(tls("cluster", "stranger"), List.of(place)), false));
        }
    }

    /// Of one link alone are some of the addresses that local networks give a name.
    @Test
    void aMemberMayBeAtAnyAddressOfAName() {
        InetAddress v4 = InetAddress.ofLiteral("127.0.0.1");
        InetAddress v6 = InetAddress.ofLiteral("::1");
        InetAddress[] all = {InetAddress.ofLiteral("fe80::1"), v4, v6};
        assertEquals(
                List.of(new InetSocketAddress(v6, 5)),
                Neighbours.resolve(List.of("a:5", "[::1]:5"), new InetSocketAddress(v4, 5), host -> all));
        assertEquals(
                List.of(new InetSocketAddress(v4, 6), new InetSocketAddress(v6, 6)),
                Neighbours.resolve(List.of("a:6"), new InetSocketAddress(v4, 5), host -> all));
    }

    @Test
    void whatCannotBeIsSaidInASentence() throws Exception {
        SharedSecret secret = Cluster.secret(folder, SECRET);
        try (ServerSocket taken = new ServerSocket()) {
            taken.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            int port = taken.getLocalPort();
            Belonging there = Cluster.belonging(secret, settings("test", "127.0.0.1", port, List.of()));
            assertEquals(
                    "host, port: nobody can listen at 127.0.0.1:" + port + ": Address already in use",
                    refusal(there, false));
            assertThrows(
                    PortTakenException.class,
                    () -> JGroupsMembership.join(there, "a", Cluster.offer(Role.NODE), false));
        }
        assertEquals(
                "host: 0.0.0.0 is every address, and none where others reach this process",
                refusal(Cluster.belonging(secret, settings("test", "0.0.0.0", 0, List.of())), false));
        assertEquals("join: a:b:c is no HOST[:PORT]", refusal(Cluster.belonging(secret, List.of("a:b:c")), false));
        assertEquals("join: a:0 has no port that can be", refusal(Cluster.belonging(secret, List.of("a:0")), false));
        String ofOneLink =
                " is an address of one link alone, which members cannot tell each other; a machine has others";
        assertEquals(
                "join: fe80:0:0:0:0:0:0:1" + ofOneLink,
                refusal(Cluster.belonging(secret, List.of("[fe80::1]:9")), false));
        assertEquals(
                "join: there is no host fe80::1%none",
                refusal(Cluster.belonging(secret, List.of("[fe80::1%none]")), false));
        assertEquals(
                "host: fe80:0:0:0:0:0:0:1" + ofOneLink,
                refusal(Cluster.belonging(secret, settings("test", "fe80::1", 0, List.of())), false));
        assertEquals(
                "nobody listens at 127.0.0.1:1: Connection refused; nobody listens at 127.0.0.1:2: Connection refused",
                refusal(Cluster.belonging(secret, List.of("127.0.0.1:1", "127.0.0.1:2")), true));
        assertEquals(
                "nobody listens at 127.0.0.1:1: Connection refused",
                refusal(Cluster.belonging(secret, List.of("127.0.0.1:1")), true));
        assertEquals("no member has answered", refusal(Cluster.belonging(secret, List.of()), true));
        String message = String.valueOf(assertThrows(
                        MembershipException.class,
                        () -> JGroupsMembership.join(
                                Cluster.belonging(secret, List.of()), "a\nb", Cluster.offer(Role.NODE), false))
                .getMessage());
        assertTrue(message.startsWith("introduction: name: "), message);
        assertThrows(IllegalArgumentException.class, () -> settings("no name", "h", 0, List.of()));
        assertThrows(IllegalArgumentException.class, () -> settings("name", "h", 65536, List.of()));
    }

    /// Also many that are silent, while others join.
    @Test
    void strangersChangeNothing() throws Exception {
        List<Socket> strangers = new ArrayList<>();
        try (Cluster cluster = new Cluster(folder, SECRET)) {
            JGroupsMembership a = cluster.start("a");
            SplittableRandom random = new SplittableRandom(3);
            for (int i = 0; i < 40; i++) {
                Socket stranger = new Socket(InetAddress.getLoopbackAddress(), a.port());
                strangers.add(stranger);
                byte[] garbage = new byte[random.nextInt(3000)];
                random.nextBytes(garbage);
                send(stranger, i % 4 == 0 ? "GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.UTF_8) : garbage);
            }
            for (int i = 0; i < 100; i++) {
                strangers.add(new Socket(InetAddress.getLoopbackAddress(), a.port()));
            }
            JGroupsMembership b = cluster.start("b");
            assertEquals(List.of("a", "b"), Cluster.names(b));
            assertEquals(List.of("a", "b"), Cluster.names(a));
        }
        for (Socket stranger : strangers) {
            stranger.close();
        }
    }

    private static void send(Socket socket, byte[] bytes) {
        try {
            OutputStream out = socket.getOutputStream();
            out.write(bytes);
        } catch (IOException e) {
            // it has been thrown out
        }
    }

    /// One with the secret, whose program is another.
    @Test
    void whoIsNotUnderstoodIsShownAsSuch() throws Exception {
        SharedSecret secret = Cluster.secret(folder, SECRET);
        try (Cluster cluster = new Cluster(folder, SECRET)) {
            JGroupsMembership a = cluster.start("a");
            ClusterSettings settings = Cluster.settings(List.of(Cluster.place(a)));
            SSLContext context = Identity.of(secret, "test").context();
            try (Entrance entrance = Entrance.open(settings, context);
                    JChannel other = new JChannel(Stack.of(
                            new MemberSockets(context, entrance.door()),
                            entrance.address(),
                            List.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), a.port())),
                            false))) {
                other.connect("test");
                other.send(new BytesMessage(null, new byte[] {9, 0, 1}));
                Cluster.await("unknown", () -> a.members().size() == 2);
                Offer offer = a.members().get(1).offer();
                assertEquals(Role.UNKNOWN, offer.role());
                assertEquals("speaks version 9 and not 1", offer.version());
                SplittableRandom random = new SplittableRandom(5);
                for (int i = 0; i < 200; i++) {
                    byte[] garbage = new byte[2 + random.nextInt(60)];
                    random.nextBytes(garbage);
                    garbage[0] = Frame.PROTOCOL;
                    garbage[1] = (byte) (1 + random.nextInt(Frame.Kind.values().length));
                    other.send(new BytesMessage(i % 2 == 0 ? null : a.channel.address(), garbage));
                }
                JGroupsMembership b = cluster.start("b");
                assertTrue(b.members().containsAll(List.of(a.self(), b.self())));
            }
            Cluster.await("gone", () -> Cluster.names(a).equals(List.of("a", "b")));
        }
    }
}
