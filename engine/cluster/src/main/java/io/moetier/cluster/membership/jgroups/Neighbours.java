package io.moetier.cluster.membership.jgroups;

import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.MembershipException;
import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.security.cert.CertificateException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;

/// Looks whether members are where they may be, and takes this process for one, before JGroups goes there: it
/// would only find nobody, whatever the reason.
final class Neighbours {
    private static final int CONNECT_MILLIS = 2000;
    private static final int PROOF_MILLIS = 15_000;
    private static final int MOST_LOOKS = 3;

    /// Addresses of IPv6 are in brackets, for they have colons of their own.
    private static final Pattern PLACE = Pattern.compile(
            "(?:\\[(?<bracketed>[0-9a-fA-F:.]+(?:%[^\\[\\]]+)?)\\]|(?<host>[^:\\[\\]]+))(?::(?<port>\\d{1,5}))?");

    private static final int MAX_PORT = 0xffff;

    private final SSLContext context;
    private final boolean isSymmetric;

    /// @param isSymmetric as [io.moetier.cluster.membership.Identity#isSymmetric]
    Neighbours(SSLContext context, boolean isSymmetric) {
        this.context = context;
        this.isSymmetric = isSymmetric;
    }

    /// What there is at an address: a member of this cluster if `why` is empty.
    private record Found(InetSocketAddress address, boolean stranger, Optional<String> why) {}

    /// Knows the addresses of hosts.
    interface Hosts {
        InetAddress[] addresses(String host) throws UnknownHostException;
    }

    /// Returns the addresses of `HOST[:PORT]`, none of which is `self`: all of a host, for a member listens at one.
    static List<InetSocketAddress> resolve(List<String> places, InetSocketAddress self) {
        return resolve(places, self, InetAddress::getAllByName);
    }

    static List<InetSocketAddress> resolve(List<String> places, InetSocketAddress self, Hosts hosts) {
        return places.stream()
                .flatMap(place -> resolve(place, hosts).stream())
                .distinct()
                .filter(address -> !address.equals(self))
                .toList();
    }

    private static List<InetSocketAddress> resolve(String place, Hosts hosts) {
        Matcher parts = PLACE.matcher(place);
        if (!parts.matches()) {
            throw new MembershipException("join: " + place + " is no HOST[:PORT]");
        }
        String host = parts.group("bracketed") == null ? parts.group("host") : parts.group("bracketed");
        int port = parts.group("port") == null ? ClusterSettings.DEFAULT_PORT : Integer.parseInt(parts.group("port"));
        if (port < 1 || port > MAX_PORT) {
            throw new MembershipException("join: " + place + " has no port that can be");
        }
        try {
            List<InetAddress> addresses = List.of(hosts.addresses(host));
            if (addresses.stream().noneMatch(Neighbours::isTellable)) {
                requireTellable("join", addresses.getFirst());
            }
            return addresses.stream()
                    .filter(Neighbours::isTellable)
                    .map(address -> new InetSocketAddress(address, port))
                    .toList();
        } catch (UnknownHostException e) {
            throw new MembershipException("join: there is no host " + host);
        }
    }

    /// Requires an address that members can tell each other. Those of IPv6 that are of one link are none: which link
    /// that is each machine names as it likes.
    ///
    /// @param field that it was said in
    /// @throws MembershipException if it is none
    static void requireTellable(String field, InetAddress address) {
        if (!isTellable(address)) {
            throw new MembershipException(field + ": " + address.getHostAddress()
                    + " is an address of one link alone, which members cannot tell each other; a machine has others");
        }
    }

    private static boolean isTellable(InetAddress address) {
        return !(address instanceof Inet6Address && address.isLinkLocalAddress());
    }

    /// Returns why there is no member at any of `asked` and `heard`, or nothing if there is one.
    ///
    /// @param asked of which the user has said that members may be there
    /// @param heard on the local network; it does not matter if they are another cluster's
    /// @throws MembershipException if somebody is at one of `asked` who does not take this process
    Optional<String> look(List<InetSocketAddress> asked, Entrance.Heard heard) {
        List<CompletableFuture<Found>> looks = looks(asked);
        List<CompletableFuture<Found>> looksAtHeard = looks(heard.addresses());
        Set<String> whyNot = new LinkedHashSet<>();
        boolean isThere = false;
        for (CompletableFuture<Found> look : looks) {
            Found found = look.join();
            if (found.stranger) {
                throw new MembershipException(found.why.orElseThrow());
            }
            isThere |= found.why.isEmpty();
            found.why.ifPresent(whyNot::add);
        }
        Optional<String> silence = heard.nobody();
        for (CompletableFuture<Found> look : looksAtHeard) {
            Found found = look.join();
            isThere |= found.why.isEmpty();
            silence = found.why; // of one of them, for anybody can answer
        }
        silence.ifPresent(whyNot::add);
        if (isThere) {
            return Optional.empty();
        }
        return Optional.of(whyNot.isEmpty() ? "no member has answered" : String.join("; ", whyNot));
    }

    /// Returns those of some addresses at which there are members.
    List<InetSocketAddress> members(List<InetSocketAddress> addresses) {
        return looks(addresses).stream()
                .map(CompletableFuture::join)
                .filter(found -> found.why.isEmpty())
                .map(Found::address)
                .toList();
    }

    private List<CompletableFuture<Found>> looks(List<InetSocketAddress> addresses) {
        List<CompletableFuture<Found>> looks = new ArrayList<>();
        for (InetSocketAddress address : addresses) {
            CompletableFuture<Found> found = new CompletableFuture<>();
            Thread.ofVirtual().start(() -> found.complete(look(address)));
            looks.add(found);
        }
        return looks;
    }

    /// Looks again where a connection was reset: somebody who does not take this process resets the next one too, and a
    /// member that has just ended no longer listens.
    private Found look(InetSocketAddress address) {
        for (int i = 1; i < MOST_LOOKS; i++) {
            Optional<Found> found = lookOnce(address);
            if (found.isPresent()) {
                return found.get();
            }
        }
        return lookOnce(address)
                .orElseGet(() -> new Found(address, true, Optional.of(refusal(Entrance.place(address)))));
    }

    /// Returns nothing if there is somebody who ends the connection without a word.
    private Optional<Found> lookOnce(InetSocketAddress address) {
        String place = Entrance.place(address);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket()) {
            socket.connect(address, CONNECT_MILLIS);
            socket.setSoTimeout(PROOF_MILLIS);
            return answer(socket, address);
        } catch (SocketTimeoutException e) {
            return nobody(address, place + " does not answer");
        } catch (ConnectException | NoRouteToHostException e) {
            return nobody(address, "nobody listens at " + place + ": " + IoFailure.reason(e));
        } catch (IOException e) {
            return nobody(address, place + " cannot be reached: " + IoFailure.reason(e));
        }
    }

    private Optional<Found> answer(SSLSocket socket, InetSocketAddress address) throws IOException {
        String place = Entrance.place(address);
        try {
            if (GuardedServerSocket.takes(socket)) {
                return Optional.of(new Found(address, false, Optional.empty()));
            }
            return GuardedServerSocket.isDoor(socket)
                    ? Optional.empty()
                    : Optional.of(new Found(address, true, Optional.of(noDoor(place))));
        } catch (SSLException e) {
            return Optional.of(new Found(address, true, Optional.of(stranger(place, e))));
        } catch (SocketTimeoutException e) {
            return nobody(address, "whoever listens at " + place + " says nothing");
        }
    }

    private static Optional<Found> nobody(InetSocketAddress address, String why) {
        return Optional.of(new Found(address, false, Optional.of(why)));
    }

    private String stranger(String place, SSLException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof CertificateException) {
                return isSymmetric
                        ? "who listens at " + place + " has another secret, or is of a cluster of another name"
                        : "who listens at " + place + " has a certificate of another authority";
            }
        }
        String message = String.valueOf(failure.getMessage());
        return message.contains("alert") ? refusal(place) : "who listens at " + place + " is no member of a cluster";
    }

    private static String noDoor(String place) {
        return "who listens at " + place
                + " is of this cluster, but nobody is joined there: experts cross at that port,"
                + " and members listen at another one";
    }

    private static String refusal(String place) {
        return "who listens at " + place + " does not take this process: its secret or certificate is another";
    }
}
