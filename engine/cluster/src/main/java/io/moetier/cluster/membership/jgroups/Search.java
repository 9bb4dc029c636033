package io.moetier.cluster.membership.jgroups;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jgroups.protocols.TCPPING;

/// Asks on the local network again and again whether there are members that this part of the cluster does not know.
///
/// Who has asked before the network was there, or whose question was lost, is the first of a part of its own, and the
/// parts would never hear of each other. One member of each part asks. What it hears is proven and given to JGroups,
/// which brings parts together that can reach each other.
final class Search implements AutoCloseable {
    private static final Duration PAUSE = Duration.ofSeconds(10);

    private final Entrance entrance;
    private final Neighbours neighbours;
    private final List<InetSocketAddress> others;
    private final TCPPING hosts;
    private final BooleanSupplier asks;
    private final Predicate<String> isMember;
    private final Thread thread;

    private Search(
            Entrance entrance,
            Neighbours neighbours,
            List<InetSocketAddress> others,
            TCPPING hosts,
            BooleanSupplier asks,
            Predicate<String> isMember) {
        this.entrance = entrance;
        this.neighbours = neighbours;
        this.others = List.copyOf(others);
        this.hosts = hosts;
        this.asks = asks;
        this.isMember = isMember;
        thread = Thread.ofPlatform().daemon().name("moetier-cluster-search").unstarted(this::search);
    }

    /// Begins to ask.
    ///
    /// @param others where members may be, whoever answers
    /// @param hosts is told where members are
    /// @param asks whether this process is who asks for its part of the cluster
    /// @param isMember whether somebody at a place is of this part
    static Search start(
            Entrance entrance,
            Neighbours neighbours,
            List<InetSocketAddress> others,
            TCPPING hosts,
            BooleanSupplier asks,
            Predicate<String> isMember) {
        Search search = new Search(entrance, neighbours, others, hosts, asks, isMember);
        search.thread.start();
        return search;
    }

    private void search() {
        try {
            while (true) {
                Thread.sleep(PAUSE);
                if (asks.getAsBoolean()) {
                    tell(neighbours.members(entrance.hear().addresses().stream()
                            .filter(address -> !isMember.test(Entrance.place(address)))
                            .toList()));
                }
            }
        } catch (InterruptedException e) {
            // closed
        }
    }

    private void tell(List<InetSocketAddress> found) {
        if (!found.isEmpty()) {
            List<InetSocketAddress> all = new ArrayList<>(others);
            all.addAll(found);
            hosts.setInitialHosts(all);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
