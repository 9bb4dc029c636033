package io.moetier.cli.option;

import io.moetier.cli.terminal.LibraryLogs;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.MembershipException;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.membership.PortTakenException;
import io.moetier.cluster.membership.jgroups.JGroupsMembership;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Which cluster this process belongs to, and how it gets in.
@About(Topic.CLUSTER)
public final class ClusterOptions {
    /// The flags of the fields of [ClusterSettings].
    private static final Map<String, String> FLAGS = Map.of(
            "cluster", "--cluster",
            "host", "--host",
            "port", "--port",
            "join", "--join",
            "discover", "--discover",
            "secret", "--secret-file",
            "tls", "--tls");

    @Option(names = "--cluster", paramLabel = "NAME", description = "The cluster to be a member of.")
    @Nullable
    String cluster;

    @Option(
            names = "--join",
            paramLabel = "HOST[:PORT],…",
            split = ",",
            hideParamSyntax = true,
            description = "Members that may be there, of whom one is enough; port " + ClusterSettings.DEFAULT_PORT
                    + " if none is said. Without it and --discover, a node and tune are the first ones, and others look"
                    + " on this machine.")
    List<String> join = List.of();

    @Option(names = "--discover", description = "Look for members on the local network.")
    boolean discover;

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            description = "Address of this machine at which other members reach it; default: this machine alone can, or"
                    + " the address on the way to --join, or else to the network of --discover.")
    @Nullable
    String host;

    @Option(
            names = "--port",
            paramLabel = "N",
            description = "Port at which other members reach it; 0: any; default: " + ClusterSettings.DEFAULT_PORT
                    + " of a node, if nobody who may be joined is there; of others any.")
    @Nullable
    Integer port;

    @Option(
            names = "--secret-file",
            paramLabel = "FILE",
            description =
                    "The secret that members share; default: one of this user and cluster on this machine, which is"
                            + " made if need be.")
    @Nullable
    Path secret;

    @Option(
            names = "--tls",
            paramLabel = "DIR",
            description = "Folder with ca.pem, cert.pem and key.pem, by which members know each other instead.")
    @Nullable
    Path tls;

    /// Returns what was said of the cluster; nothing if this process is in none.
    ///
    /// @param defaultPort where it listens if nothing else is said, 0 for any
    /// @throws IllegalArgumentException if it cannot be
    public Optional<ClusterSettings> settings(int defaultPort) {
        if (cluster == null) {
            requireNothingElse();
            return Optional.empty();
        }
        LibraryLogs.silence();
        if (secret != null && tls != null) {
            throw new IllegalArgumentException(
                    "--secret-file and --tls: members know each other by one of them, not by both");
        }
        if (host != null) {
            requireOwn(host);
        }
        try {
            return Optional.of(new ClusterSettings(
                    cluster,
                    host == null ? ownAddress() : host,
                    port == null ? defaultPort : port,
                    join,
                    discover,
                    Optional.ofNullable(secret),
                    Optional.ofNullable(tls)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(sentence(e), e);
        }
    }

    private static void requireOwn(String host) {
        try (ServerSocket _ = new ServerSocket(0, 1, InetAddress.getByName(host))) {
            return;
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("--host: there is no host " + host, e);
        } catch (IOException e) {
            throw new IllegalArgumentException("--host: " + host + " is no address of this machine", e);
        }
    }

    /// Returns what was said of the cluster that a node is to be of.
    ///
    /// @throws IllegalArgumentException if it cannot be
    public Optional<ClusterSettings> settingsOfNode() {
        return settings(ClusterSettings.DEFAULT_PORT);
    }

    /// Returns what was said of the cluster that somebody else than a node joins: who names no member looks for one on
    /// this machine.
    ///
    /// @throws IllegalArgumentException if it cannot be
    public Optional<ClusterSettings> settingsOfGuest() {
        return settings(0)
                .map(said -> !said.join().isEmpty() || said.discover()
                        ? said
                        : new ClusterSettings(
                                said.cluster(),
                                said.host(),
                                said.port(),
                                List.of(loopback()),
                                false,
                                said.secret(),
                                said.tls()));
    }

    private void requireNothingElse() {
        Map<String, Boolean> given = Map.of(
                "--join", !join.isEmpty(),
                "--discover", discover,
                "--host", host != null,
                "--port", port != null,
                "--secret-file", secret != null,
                "--tls", tls != null);
        String flags = given.entrySet().stream()
                .filter(Map.Entry::getValue)
                .map(Map.Entry::getKey)
                .sorted()
                .collect(Collectors.joining(", "));
        if (!flags.isEmpty()) {
            throw new IllegalArgumentException(flags + ": of which cluster? --cluster NAME says it");
        }
    }

    /// Returns the address that whoever is joined sees this machine at, or else whoever is asked on the local network:
    /// that of this machine alone, if nobody else is.
    private String ownAddress() {
        List<String> places = new ArrayList<>(join);
        if (discover) {
            places.add(ClusterSettings.DISCOVERY_ADDRESS);
        }
        return places.stream()
                .map(ClusterOptions::ownAddress)
                .flatMap(Optional::stream)
                .findFirst()
                .or(() -> discover ? onlyAddress() : Optional.empty())
                .orElseGet(ClusterOptions::loopback);
    }

    /// Returns the address of this machine where a network may be that no route leads to, if there is just one.
    private static Optional<String> onlyAddress() {
        List<String> addresses = new ArrayList<>();
        try {
            for (NetworkInterface network : NetworkInterface.networkInterfaces().toList()) {
                if (network.isUp() && !network.isLoopback() && network.supportsMulticast()) {
                    network.inetAddresses()
                            .filter(Inet4Address.class::isInstance)
                            .forEach(address -> addresses.add(address.getHostAddress()));
                }
            }
        } catch (SocketException e) {
            return Optional.empty(); // --host can still be said
        }
        return addresses.size() == 1 ? Optional.of(addresses.getFirst()) : Optional.empty();
    }

    /// Returns the address of this machine on the way to a place, if there is a way.
    private static Optional<String> ownAddress(String place) {
        int end = place.startsWith("[") ? place.indexOf(']') : place.indexOf(':');
        String host = end < 0 ? place : place.substring(place.startsWith("[") ? 1 : 0, end);
        try {
            return Stream.of(InetAddress.getAllByName(host))
                    .map(ClusterOptions::ownAddress)
                    .flatMap(Optional::stream)
                    .findFirst();
        } catch (UnknownHostException e) {
            return Optional.empty(); // whoever joins says what is wrong with the host
        }
    }

    private static Optional<String> ownAddress(InetAddress other) {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(new InetSocketAddress(other, ClusterSettings.DEFAULT_PORT)); // sends nothing
            InetAddress own = socket.getLocalAddress();
            return own == null || own.isAnyLocalAddress() || (own instanceof Inet6Address && own.isLinkLocalAddress())
                    ? Optional.empty()
                    : Optional.of(own.getHostAddress());
        } catch (SocketException e) {
            return Optional.empty(); // no way leads there
        }
    }

    private static String loopback() {
        return InetAddress.getLoopbackAddress().getHostAddress();
    }

    /// Reads what proves that this process belongs to a cluster, which is not to fail after long work.
    ///
    /// @throws UncheckedIOException if it can be neither read nor made
    static Belonging belonging(ClusterSettings settings, Surroundings surroundings) {
        try {
            return Belonging.read(settings, surroundings.secretsDirectory());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Makes this process a member, which it is until the membership is closed.
    ///
    /// @param name what people call this process
    /// @throws IOException if the secret can be neither read nor made
    /// @throws MembershipException if it cannot be a member, or there is nobody to join
    public static Membership join(ClusterSettings settings, Surroundings surroundings, String name, Offer offer)
            throws IOException {
        boolean others = !settings.join().isEmpty() || settings.discover();
        Belonging belonging = Belonging.read(settings, surroundings.secretsDirectory());
        return joined(settings, () -> JGroupsMembership.join(belonging, name, offer, others));
    }

    /// Something that makes this process a member.
    public interface Joining<T> {
        T join() throws IOException;
    }

    /// Something that makes this process a node.
    public interface NodeJoining<T> {
        T join(Belonging belonging) throws IOException;
    }

    /// Returns what joining as a node gives, as [#named] does. Where somebody else listens at the usual port and other
    /// members are named, it is at another.
    ///
    /// @param belonging of [#settingsOfNode]
    /// @throws IOException if it fails
    /// @throws MembershipException if it cannot be a member
    public <T> T joinAsNode(Belonging belonging, NodeJoining<T> joining) throws IOException {
        return named(() -> {
            try {
                return joining.join(belonging);
            } catch (PortTakenException e) {
                boolean isFirst = join.isEmpty() && !discover;
                if (port != null || isFirst) {
                    throw e;
                }
                return joining.join(new Belonging(settings(0).orElseThrow(), belonging.identity()));
            }
        });
    }

    /// Returns what joining gives, as [#named] does. Who looks on this machine alone, in vain, is told how to look
    /// elsewhere.
    ///
    /// @throws IOException if it fails
    /// @throws MembershipException if it cannot be a member, or there is nobody to join
    static <T> T joined(ClusterSettings settings, Joining<T> joining) throws IOException {
        try {
            return named(joining);
        } catch (MembershipException e) {
            boolean isHereAlone = settings.join().equals(List.of(loopback())) && !settings.discover();
            throw isHereAlone
                    ? new MembershipException(e.getMessage() + "; --join HOST[:PORT] or --discover looks elsewhere")
                    : e;
        }
    }

    /// Returns what joining gives; what is said of settings where that fails names flags.
    private static <T> T named(Joining<T> joining) throws IOException {
        try {
            return joining.join();
        } catch (MembershipException e) {
            throw new MembershipException(sentence(e));
        }
    }

    /// Returns a message that begins with fields with flags in their place.
    private static String sentence(RuntimeException cause) {
        String message = String.valueOf(cause.getMessage());
        int end = message.indexOf(": ");
        List<String> fields =
                Arrays.asList(message.substring(0, Math.max(0, end)).split(", "));
        return FLAGS.keySet().containsAll(fields)
                ? fields.stream().map(FLAGS::get).collect(Collectors.joining(", ")) + message.substring(end)
                : message;
    }
}
