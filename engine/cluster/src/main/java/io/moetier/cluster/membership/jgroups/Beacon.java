package io.moetier.cluster.membership.jgroups;

import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.MembershipException;
import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.MulticastSocket;
import java.net.NetworkInterface;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Answers who on the local network asks where members of a cluster are, and asks the same.
///
/// Anybody can ask and answer, and nothing is believed but that somebody may be at an address, who then has to prove
/// that it is a member like everybody. Both are a line of text in one datagram: `moetier 1 ask NAME`, and to who asked
/// `moetier 1 at NAME HOST PORT`, host a number.
final class Beacon implements AutoCloseable {
    /// The same among addresses of IPv6: given for the time being, and of one link (RFC 4291).
    private static final String DISCOVERY_ADDRESS_6 = "ff12::7947";

    private static final int PORT = ClusterSettings.DEFAULT_PORT;

    private static final long PAUSE_MILLIS = 100;
    private static final int ASK_MILLIS = 700;
    private static final int MAX_BYTES = 256;
    private static final int MAX_ANSWERS = 64;
    private static final String ASK = "moetier 1 ask ";
    private static final String AT = "moetier 1 at ";

    private final String cluster;
    private final InetSocketAddress self;
    private final InetSocketAddress group;
    private final NetworkInterface network;
    private final MulticastSocket socket;

    private Beacon(
            String cluster,
            InetSocketAddress self,
            InetSocketAddress group,
            NetworkInterface network,
            MulticastSocket socket) {
        this.cluster = cluster;
        this.self = self;
        this.group = group;
        this.network = network;
        this.socket = socket;
    }

    /// Starts to answer, on the network that an address is of.
    ///
    /// @param self where members connect
    static Beacon start(String cluster, InetSocketAddress self) {
        if (self.getAddress().isLoopbackAddress()) {
            throw new MembershipException("discover, host: " + self.getAddress().getHostAddress()
                    + " is this machine alone, and on no network to look for members on");
        }
        try {
            InetSocketAddress group = new InetSocketAddress(
                    self.getAddress() instanceof Inet6Address ? DISCOVERY_ADDRESS_6 : ClusterSettings.DISCOVERY_ADDRESS,
                    PORT);
            NetworkInterface network = NetworkInterface.getByInetAddress(self.getAddress());
            MulticastSocket socket = new MulticastSocket(PORT); // of which there may be several on one machine
            try {
                socket.joinGroup(group, network);
            } catch (IOException e) {
                socket.close();
                throw e;
            }
            Beacon beacon = new Beacon(cluster, self, group, network, socket);
            Thread.ofPlatform().daemon().name("moetier-cluster-beacon").start(beacon::answer);
            return beacon;
        } catch (IOException e) {
            throw new MembershipException("discover: members cannot be found on the network of "
                    + self.getAddress().getHostAddress() + ": " + IoFailure.reason(e));
        }
    }

    private void answer() {
        byte[] answer = utf8(AT + cluster + " " + self.getAddress().getHostAddress() + " " + self.getPort());
        while (!socket.isClosed()) {
            try {
                DatagramPacket packet = receive(socket);
                if (text(packet).equals(ASK + cluster)) {
                    socket.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
                }
            } catch (IOException e) {
                pauseUnlessClosed(); // who asked cannot be reached, or the network is down
            }
        }
    }

    private void pauseUnlessClosed() {
        try {
            if (!socket.isClosed()) {
                Thread.sleep(PAUSE_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Asks where others are, and returns what is answered within a while.
    ///
    /// @throws IOException if nobody can be asked
    List<InetSocketAddress> ask() throws IOException {
        List<InetSocketAddress> answers = new ArrayList<>();
        byte[] question = utf8(ASK + cluster);
        try (MulticastSocket asking = new MulticastSocket(new InetSocketAddress(self.getAddress(), 0))) {
            asking.setOption(StandardSocketOptions.IP_MULTICAST_IF, network);
            asking.send(new DatagramPacket(question, question.length, group));
            long end = System.nanoTime() + ASK_MILLIS * 1_000_000L;
            for (long left = ASK_MILLIS; left > 0 && answers.size() < MAX_ANSWERS; ) {
                asking.setSoTimeout((int) left);
                address(text(receive(asking))).ifPresent(answers::add);
                left = (end - System.nanoTime()) / 1_000_000;
            }
        } catch (SocketTimeoutException e) {
            return answers;
        }
        return answers;
    }

    private Optional<InetSocketAddress> address(String answer) {
        String start = AT + cluster + " ";
        if (!answer.startsWith(start)) {
            return Optional.empty();
        }
        String[] place = answer.substring(start.length()).split(" ", -1);
        try {
            InetSocketAddress address =
                    new InetSocketAddress(InetAddress.ofLiteral(place[0]), Integer.parseInt(place[place.length - 1]));
            return place.length == 2 && address.getPort() > 0 && !address.equals(self)
                    ? Optional.of(address)
                    : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static DatagramPacket receive(MulticastSocket socket) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[MAX_BYTES], MAX_BYTES);
        socket.receive(packet);
        return packet;
    }

    private static String text(DatagramPacket packet) {
        return new String(packet.getData(), 0, packet.getLength(), StandardCharsets.UTF_8);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        socket.close();
    }
}
