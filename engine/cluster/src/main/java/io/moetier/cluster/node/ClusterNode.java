package io.moetier.cluster.node;

import io.moetier.cluster.copy.BlockService;
import io.moetier.cluster.copy.MemberBlocks;
import io.moetier.cluster.link.NodeServer;
import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.membership.jgroups.JGroupsMembership;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.Owned;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;

/// A node of a cluster, from its coming to its leaving: its server for drivers and for blocks, and its membership.
public final class ClusterNode implements AutoCloseable {
    /// The task by which a member asks a node to leave.
    public static final String DRAIN = "drain";

    /// The task by which a member asks which models a node holds.
    public static final String MODELS = "models";

    /// The port for drivers and blocks is so far above that of the membership.
    private static final int TOKENS_ABOVE = 1000;

    private static final int MOST_PORT = 0xffff;

    private final Owned owned;
    private final NodeServer server;
    private final Membership membership;
    private final CountDownLatch drained = new CountDownLatch(1);

    private ClusterNode(
            Belonging belonging,
            NodeHost.Node node,
            NodeStores stores,
            Device device,
            Consumer<String> says,
            IntUnaryOperator reached,
            Owned owned)
            throws IOException {
        this.owned = owned;
        MemberBlocks blocks = new MemberBlocks(belonging.identity());
        owned.add(blocks::close);
        NodeHost host = new NodeHost(node, stores, device, says);
        BlockService service = new BlockService(host::read);
        owned.add(service::close);
        String address = belonging.settings().host();
        server = listen(belonging, host, service);
        owned.add(server::close);
        owned.add(host::leave);
        Offer offer = new Offer(
                Offer.Role.NODE,
                address,
                reached.applyAsInt(server.port()),
                node.ramBytes(),
                node.threads(),
                node.kernels(),
                node.version());
        JGroupsMembership joined = JGroupsMembership.join(belonging, node.name(), offer, false);
        membership = joined;
        owned.add(membership::close);
        if (!belonging.settings().join().isEmpty() || belonging.settings().discover()) {
            joined.nobody().ifPresent(why -> says.accept(why + "; node " + node.name() + " is the first one"));
        }
        membership
                .tasks()
                .offer(MODELS, 1, _ -> String.join("\n", host.models()).getBytes(StandardCharsets.UTF_8));
        membership.tasks().offer(DRAIN, 1, _ -> {
            drained.countDown();
            return new byte[0];
        });
        owned.add(SourceFollower.follow(membership, blocks, host)::close);
    }

    /// Listens where firewalls expect it, or at any port if somebody else does.
    private static NodeServer listen(Belonging belonging, NodeHost host, BlockService service) throws IOException {
        String address = belonging.settings().host();
        Identity identity = belonging.identity();
        int port = belonging.settings().port();
        if (port > 0 && port <= MOST_PORT - TOKENS_ABOVE) {
            try {
                return NodeServer.start(address, port + TOKENS_ABOVE, identity, host, service.definition());
            } catch (IOException e) {
                // taken, or the address is wrong, which is said now
            }
        }
        return NodeServer.start(address, 0, identity, host, service.definition());
    }

    /// Starts a node.
    ///
    /// @param device which computes, and reads main memory; stays the caller's
    /// @param says is told in sentences what happens
    /// @throws IOException if it cannot listen
    /// @throws io.moetier.cluster.membership.MembershipException if it cannot be a member
    public static ClusterNode start(
            Belonging belonging, NodeHost.Node node, NodeStores stores, Device device, Consumer<String> says)
            throws IOException {
        return start(belonging, node, stores, device, says, port -> port);
    }

    /// @param reached says at which port others reach what listens at one
    static ClusterNode start(
            Belonging belonging,
            NodeHost.Node node,
            NodeStores stores,
            Device device,
            Consumer<String> says,
            IntUnaryOperator reached)
            throws IOException {
        Owned owned = new Owned();
        try {
            return new ClusterNode(belonging, node, stores, device, says, reached, owned);
        } catch (IOException | RuntimeException | Error e) {
            owned.close();
            throw e;
        }
    }

    /// Returns the cluster as this node sees it.
    public Membership membership() {
        return membership;
    }

    /// Returns where drivers reach it.
    public int port() {
        return server.port();
    }

    /// Waits until somebody has asked it to leave.
    public void awaitDrained() throws InterruptedException {
        drained.await();
    }

    /// Leaves the cluster; what is being computed is waited for, drivers ask others then.
    @Override
    public void close() {
        owned.close();
    }
}
