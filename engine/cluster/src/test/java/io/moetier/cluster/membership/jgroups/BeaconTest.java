package io.moetier.cluster.membership.jgroups;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.cluster.membership.MembershipException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Several members on this machine, at each kind of address at which it hears what is said to all, and at that of no
/// network.
class BeaconTest {
    private static final String CLUSTER =
            "beacon-test-" + ProcessHandle.current().pid();

    @Test
    void whoAsksOnItsNetworkIsToldWhereTheOthersOfItsClusterAre() throws Exception {
        for (InetAddress address : Hearing.addresses()) {
            InetSocketAddress second = new InetSocketAddress(address, 2);
            try (Beacon first = Beacon.start(CLUSTER, new InetSocketAddress(address, 1));
                    Beacon _ = Beacon.start(CLUSTER, second);
                    Beacon stranger = Beacon.start(CLUSTER + "-other", new InetSocketAddress(address, 3))) {
                Cluster.await("an answer at " + address, () -> answers(first).equals(List.of(second)));
                assertEquals(List.of(), answers(stranger));
            }
        }
        assertAloneOnLoopback();
    }

    private static List<InetSocketAddress> answers(Beacon beacon) {
        try {
            return beacon.ask();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void assertAloneOnLoopback() {
        InetSocketAddress loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
        String message = assertThrows(MembershipException.class, () -> Beacon.start(CLUSTER, loopback))
                .getMessage();
        assertEquals(
                "discover, host: 127.0.0.1 is this machine alone, and on no network to look for members on", message);
    }
}
