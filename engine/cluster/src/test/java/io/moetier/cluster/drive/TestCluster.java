package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.copy.NodeStore;
import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.node.ClusterNode;
import io.moetier.cluster.node.NodeHost;
import io.moetier.cluster.relay.Relay;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.runtime.remote.Driven;
import io.moetier.runtime.remote.ExpertNodesFactory;
import io.moetier.runtime.remote.KernelBits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Nodes in this process, over sockets of loopback: each with a folder, which outlives it, and with a relay between
/// drivers and it. All end with this.
final class TestCluster implements AutoCloseable {
    static final String VERSION = "1";

    /// Far more than anything takes that happens at all.
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final long RAM_BYTES = 256 << 20;
    private static final double BYTES_PER_SECOND = 1e9;

    final List<String> said = new CopyOnWriteArrayList<>(); // by nodes
    private final Path folder;
    private final Optional<Path> secret;
    private final Optional<Path> tls;
    private String place = ""; // of the first node, once there was one; guarded by this
    private final Map<KernelChoice, String> bits = new ConcurrentHashMap<>();
    private final Map<String, TestNode> nodes = new LinkedHashMap<>(); // guarded by this
    private final Map<Integer, Relay> relays = new ConcurrentHashMap<>(); // by the port that they stand before

    /// A node, and what it computes with.
    record TestNode(ClusterNode node, CpuDevice device) implements AutoCloseable {
        @Override
        public void close() {
            try (device) {
                node.close();
            }
        }
    }

    private TestCluster(Path folder, Optional<Path> secret, Optional<Path> tls) throws IOException {
        this.folder = folder;
        this.secret = secret;
        this.tls = tls;
    }

    static TestCluster withSecret(Path folder) throws IOException {
        return new TestCluster(folder, Optional.of(secretFile(folder)), Optional.empty());
    }

    static TestCluster withCertificates(Path folder, Path tls) throws IOException {
        return new TestCluster(folder, Optional.empty(), Optional.of(tls));
    }

    static Path secretFile(Path folder) throws IOException {
        Path file = folder.resolve("secret");
        if (!Files.exists(file)) {
            Files.writeString(file, "what the members of this test share");
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        }
        return file;
    }

    /// Returns where the first node is found.
    synchronized String place() {
        return place;
    }

    static Belonging belonging(int port, List<String> join, Optional<Path> secret, Optional<Path> tls)
            throws IOException {
        return Belonging.read(
                new ClusterSettings("test", "127.0.0.1", port, join, false, secret, tls), Path.of("none"));
    }

    /// @param join a member; nothing to look for some on the network, `none` for the first one
    static Belonging belonging(String host, int port, String join, Optional<Path> secret) throws IOException {
        return Belonging.read(
                new ClusterSettings(
                        "test",
                        host,
                        port,
                        join.isEmpty() || join.equals(Machines.NONE) ? List.of() : List.of(join),
                        join.isEmpty(),
                        secret,
                        Optional.empty()),
                Path.of("none"));
    }

    /// Returns the port at which the first node was, for whoever takes its place; any if there was none.
    private synchronized int port() {
        return place.isEmpty() ? 0 : Integer.parseInt(place.substring(place.lastIndexOf(':') + 1));
    }

    private Belonging joining() throws IOException {
        return belonging(0, List.of(place()), secret, tls);
    }

    ClusterNode start(String name) throws IOException {
        return start(name, BYTES_PER_SECOND);
    }

    /// Starts a node that says how fast it computes and reads.
    ClusterNode start(String name, double bytesPerSecond) throws IOException {
        return start(name, VERSION, KernelChoice.AUTO, bytesPerSecond);
    }

    ClusterNode start(String name, String version, KernelChoice kernels) throws IOException {
        return start(name, version, kernels, BYTES_PER_SECOND);
    }

    private synchronized ClusterNode start(String name, String version, KernelChoice kernels, double bytesPerSecond)
            throws IOException {
        CpuDevice device = CpuDevice.open(1, kernels);
        try {
            ClusterNode node = ClusterNode.start(
                    nodes.isEmpty() ? belonging(port(), List.of(), secret, tls) : joining(),
                    new NodeHost.Node(
                            name,
                            version,
                            bits.computeIfAbsent(kernels, _ -> KernelBits.of(device)),
                            1,
                            RAM_BYTES,
                            bytesPerSecond,
                            bytesPerSecond),
                    manifest -> NodeStore.open(List.of(), folder(name), manifest),
                    device,
                    sentence -> said.add(name + ": " + sentence));
            place = nodes.isEmpty() ? node.membership().self().place() : place;
            nodes.put(name, new TestNode(node, device));
            return node;
        } catch (IOException | RuntimeException e) {
            device.close();
            throw e;
        }
    }

    /// Returns where a node keeps its experts.
    Path folder(String name) {
        return folder.resolve(name);
    }

    synchronized List<String> names() {
        return List.copyOf(nodes.keySet());
    }

    synchronized ClusterNode node(String name) {
        return Objects.requireNonNull(nodes.get(name)).node();
    }

    synchronized void stop(String name) {
        Objects.requireNonNull(nodes.remove(name)).close();
    }

    /// Returns the network between drivers and a node.
    Relay relay(String name) {
        return relay(node(name).port());
    }

    private Relay relay(int target) {
        return relays.computeIfAbsent(target, _ -> {
            try {
                return Relay.to(target);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private Member relayed(Member member) {
        Offer offer = member.offer();
        return new Member(
                member.id(),
                member.name(),
                member.place(),
                new Offer(
                        offer.role(),
                        offer.host(),
                        relay(offer.port()).port(),
                        offer.ramBytes(),
                        offer.threads(),
                        offer.kernels(),
                        offer.version()));
    }

    /// Makes an engine drive this cluster through the relays.
    Driving driving(boolean mixed) {
        return new Driving(mixed);
    }

    /// A driver of this cluster, and what it says.
    final class Driving implements ExpertNodesFactory {
        final List<String> said = new CopyOnWriteArrayList<>();
        Consumer<Member> beforeOpening = _ -> {}; // of the way to a node
        private final boolean mixed;
        private @Nullable ClusterDriver driver;

        Driving(boolean mixed) {
            this.mixed = mixed;
        }

        ClusterDriver driver() {
            return Objects.requireNonNull(driver);
        }

        @Override
        public ClusterDriver open(Driven engine) {
            try {
                ClusterDriver opened = new ClusterDrive(
                                joining(),
                                "driver",
                                new ClusterDrive.How(
                                        VERSION,
                                        mixed,
                                        1,
                                        BYTES_PER_SECOND,
                                        BYTES_PER_SECOND / 20,
                                        Optional.empty(),
                                        Optional.of(folder.resolve("placements"))),
                                said::add)
                        .open(engine, member -> {
                            beforeOpening.accept(member);
                            return relayed(member);
                        });
                driver = opened;
                return opened;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        boolean says(String part) {
            return said.stream().anyMatch(sentence -> sentence.contains(part));
        }
    }

    /// Returns what a node says of the models that it holds, as any member may ask.
    String models(String name) {
        ClusterNode node = node(name);
        try {
            return new String(
                    node.membership()
                            .tasks()
                            .submit(node.membership().self(), ClusterNode.MODELS, new byte[0])
                            .get(PATIENCE.toSeconds(), TimeUnit.SECONDS),
                    StandardCharsets.UTF_8);
        } catch (ExecutionException | TimeoutException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// Says whether no node holds a model.
    boolean holdsNothing() {
        return names().stream().allMatch(name -> models(name).isEmpty());
    }

    /// Waits until something is so with this cluster.
    void eventually(BooleanSupplier condition) throws InterruptedException {
        await(
                condition,
                () -> said + "; now " + names().stream().map(this::models).toList());
    }

    static void await(BooleanSupplier condition) throws InterruptedException {
        await(condition, () -> "it has not come to that");
    }

    private static void await(BooleanSupplier condition, Supplier<String> otherwise) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, otherwise);
            Thread.sleep(5);
        }
    }

    @Override
    public void close() throws IOException {
        for (String name : names().reversed()) {
            stop(name);
        }
        for (Relay relay : relays.values()) {
            relay.close();
        }
    }
}
