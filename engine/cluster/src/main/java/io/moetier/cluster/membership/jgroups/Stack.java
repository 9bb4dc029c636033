package io.moetier.cluster.membership.jgroups;

import java.net.InetSocketAddress;
import java.util.List;
import org.jgroups.protocols.FD_ALL3;
import org.jgroups.protocols.FRAG2;
import org.jgroups.protocols.MERGE3;
import org.jgroups.protocols.MFC;
import org.jgroups.protocols.TCP;
import org.jgroups.protocols.TCPPING;
import org.jgroups.protocols.UFC;
import org.jgroups.protocols.UNICAST3;
import org.jgroups.protocols.VERIFY_SUSPECT2;
import org.jgroups.protocols.pbcast.GMS;
import org.jgroups.protocols.pbcast.NAKACK2;
import org.jgroups.protocols.pbcast.STABLE;
import org.jgroups.stack.Protocol;

/// The protocols that membership is made of.
///
/// A member that dies is noticed by its connection, for its system closes it; one that hangs by its silence, after four
/// to five seconds and that it has not answered when asked once more. FD_SOCK2 is not among them: it would listen at a
/// port of its own, where nobody has to prove anything. Nor is SYM_ENCRYPT, which leaves headers as they are and
/// passes what has no content.
final class Stack {
    private static final long SILENCE_MILLIS = 4000;
    private static final long HEARTBEAT_MILLIS = 1000;
    private static final long VERIFY_MILLIS = 800;
    /// Two members that connect to each other at once lose what one of the connections had.
    private static final long REPEAT_MILLIS = 200;

    private static final long JOIN_MILLIS = 3000;
    private static final int JOIN_ATTEMPTS = 3;
    private static final int QUESTIONS = 3; // for members, while one joins: nobody acknowledges them
    private static final long MERGE_MIN_MILLIS = 1000;
    private static final long MERGE_MAX_MILLIS = 3000;
    private static final int CONNECT_MILLIS = 1500;
    private static final int ADDRESS_MILLIS = 5000; // of who has proven itself
    private static final int FRAGMENT_BYTES = 60_000; // less than a bundle, which has 64,000
    private static final int MAX_RECEIVED_BYTES = 1 << 20; // a bundle with all headers is far below
    private static final long CREDIT_BYTES = 4 << 20;

    private Stack() {}

    /// Returns the protocols from the network upwards.
    ///
    /// @param sockets makes all connections
    /// @param self where this process listens
    /// @param others where members may be
    /// @param isAlone whether nobody is there now
    static List<Protocol> of(
            MemberSockets sockets, InetSocketAddress self, List<InetSocketAddress> others, boolean isAlone) {
        return List.of(
                transport(sockets, self),
                new TCPPING()
                        .<TCPPING>setInitialHosts(others.isEmpty() ? List.of(self) : others)
                        .<TCPPING>portRange(0)
                        .<TCPPING>returnEntireCache(true) // who is asked need not be who leads
                        .numDiscoveryRuns(isAlone ? 1 : QUESTIONS),
                new MERGE3().setMinInterval(MERGE_MIN_MILLIS).setMaxInterval(MERGE_MAX_MILLIS),
                new FD_ALL3().setTimeout(SILENCE_MILLIS).setInterval(HEARTBEAT_MILLIS),
                new VERIFY_SUSPECT2().setTimeout(VERIFY_MILLIS),
                new NAKACK2().useMcastXmit(false),
                new UNICAST3().setXmitInterval(REPEAT_MILLIS),
                new STABLE(),
                new GMS()
                        .printLocalAddress(false)
                        .setJoinTimeout(isAlone ? 1 : JOIN_MILLIS)
                        .setMaxJoinAttempts(JOIN_ATTEMPTS),
                new MFC().setMaxCredits(CREDIT_BYTES),
                new UFC().setMaxCredits(CREDIT_BYTES),
                new FRAG2().setFragSize(FRAGMENT_BYTES));
    }

    private static Protocol transport(MemberSockets sockets, InetSocketAddress self) {
        TCP tcp = new TCP();
        tcp.setBindAddress(self.getAddress()).setBindPort(self.getPort()).setPortRange(0);
        tcp.tcpNodelay(true)
                .enableSuspectEvents(true)
                .setSockConnTimeout(CONNECT_MILLIS)
                .setMaxLength(MAX_RECEIVED_BYTES)
                .setPeerAddrReadTimeout(ADDRESS_MILLIS);
        tcp.setSocketFactory(sockets);
        return tcp;
    }
}
