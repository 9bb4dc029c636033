package io.moetier.cluster.membership.jgroups;

import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.MembershipException;
import io.moetier.cluster.membership.PortTakenException;
import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;

/// Where others find this process: the door, and the beacon if there is one.
final class Entrance implements AutoCloseable {
    private final GuardedServerSocket door;
    private final Optional<Beacon> beacon;

    /// Who has answered on the local network.
    ///
    /// @param nobody why there are no addresses, if somebody was to be asked
    record Heard(List<InetSocketAddress> addresses, Optional<String> nobody) {
        Heard {
            addresses = List.copyOf(addresses);
        }
    }

    private Entrance(GuardedServerSocket door, Optional<Beacon> beacon) {
        this.door = door;
        this.beacon = beacon;
    }

    /// @throws PortTakenException if it cannot listen where it is to be
    /// @throws MembershipException if it cannot be there
    static Entrance open(ClusterSettings settings, SSLContext context) {
        GuardedServerSocket door = door(settings, context);
        try {
            return new Entrance(
                    door,
                    settings.discover()
                            ? Optional.of(Beacon.start(settings.cluster(), address(door)))
                            : Optional.empty());
        } catch (MembershipException e) {
            close(door);
            throw e;
        }
    }

    private static GuardedServerSocket door(ClusterSettings settings, SSLContext context) {
        try {
            InetAddress host = InetAddress.getByName(settings.host());
            if (host.isAnyLocalAddress()) {
                throw new MembershipException(
                        "host: " + settings.host() + " is every address, and none where others reach this process");
            }
            Neighbours.requireTellable("host", host);
            return new GuardedServerSocket(context, new InetSocketAddress(host, settings.port()));
        } catch (UnknownHostException e) {
            throw new MembershipException("host: there is no host " + settings.host());
        } catch (BindException e) {
            throw new PortTakenException(nobodyCanListen(settings, e));
        } catch (IOException e) {
            throw new MembershipException(nobodyCanListen(settings, e));
        }
    }

    private static String nobodyCanListen(ClusterSettings settings, IOException failure) {
        return "host, port: nobody can listen at " + settings.host() + ":" + settings.port() + ": "
                + IoFailure.reason(failure);
    }

    private static InetSocketAddress address(GuardedServerSocket door) {
        return (InetSocketAddress) door.getLocalSocketAddress();
    }

    GuardedServerSocket door() {
        return door;
    }

    InetSocketAddress address() {
        return address(door);
    }

    /// Returns what others say to join.
    String place() {
        return place(address());
    }

    /// Returns an address as others say it.
    static String place(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    /// Says whether others are asked for on the local network.
    boolean hasBeacon() {
        return beacon.isPresent();
    }

    /// Asks on the local network where others are, if it is to.
    Heard hear() {
        if (beacon.isEmpty()) {
            return new Heard(List.of(), Optional.empty());
        }
        String network = " on the network of " + address().getAddress().getHostAddress();
        try {
            List<InetSocketAddress> addresses = beacon.get().ask();
            return new Heard(
                    addresses,
                    addresses.isEmpty() ? Optional.of("no member has answered" + network) : Optional.empty());
        } catch (IOException e) {
            return new Heard(List.of(), Optional.of("nobody can be asked" + network + ": " + IoFailure.reason(e)));
        }
    }

    @Override
    public void close() {
        beacon.ifPresent(Beacon::close);
        close(door);
    }

    private static void close(GuardedServerSocket door) {
        try {
            door.close();
        } catch (IOException e) {
            // it is closed as far as it can be
        }
    }
}
