package io.moetier.cluster.drive;

import io.moetier.cluster.link.NodeLink;
import io.moetier.cluster.link.RefusedException;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.MembershipListener;
import io.moetier.cluster.membership.Offer;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The nodes of a driver: opens ways to them as they come, and says who owns what whenever they come or go.
///
/// One thread of its own does all that; the thread that computes reads [#routes()] and asks for a [#look()] when a way
/// has gone down.
final class Crew implements AutoCloseable {
    private static final long FIRST_PAUSE_MILLIS = 1000; // before a node that did not answer is asked again
    private static final long LONGEST_PAUSE_MILLIS = 30_000;

    private final Membership membership;
    private final NodeOpener opener;
    private final Allotment allotment;
    private final Consumer<String> says;
    private final ScheduledExecutorService worker = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("moetier-nodes").factory());
    private final Map<String, NodePort> ports = new LinkedHashMap<>(); // by member, of the worker
    private final Map<String, Long> pauses = new HashMap<>(); // by member that did not answer, of the worker
    private final Set<String> refused = new HashSet<>(); // of the worker
    private final List<NodePort> leaving = new ArrayList<>(); // of the worker: still good for what is under way
    private final List<NodeUse> uses = new CopyOnWriteArrayList<>();
    private volatile Routes routes;
    private volatile boolean closed;

    private Crew(Membership membership, NodeOpener opener, Allotment allotment, Consumer<String> says) {
        this.membership = membership;
        this.opener = opener;
        this.allotment = allotment;
        this.says = says;
        routes = allotment.among(List.of());
    }

    /// Opens ways to all nodes that are there, and follows who comes and goes from then on.
    ///
    /// @param membership which stays the caller's
    /// @param says is told in a sentence who came, who left and who was refused
    static Crew gather(
            Membership membership, NodeOpener opener, Allotment allotment, Consumer<String> says) {
        Crew crew = new Crew(membership, opener, allotment, says);
        membership.listen(new MembershipListener() {
            @Override
            public void onJoined(Member member) {
                crew.look();
            }

            @Override
            public void onLeft(Member member) {
                crew.onLeft(member);
            }
        });
        try {
            crew.worker.submit(crew::settle).get();
        } catch (ExecutionException e) {
            crew.close();
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return crew;
    }

    /// Returns who is asked for which expert from now on.
    Routes routes() {
        return routes;
    }

    List<NodeUse> uses() {
        return List.copyOf(uses);
    }

    /// Looks soon who is there.
    void look() {
        if (!closed) {
            worker.execute(this::settle);
        }
    }

    /// Whoever waits for this node is told at once, by its link.
    private void onLeft(Member member) {
        NodePort port = routes.port(member.id());
        if (port != null) {
            port.link().fail("it left the cluster, or has been silent for too long");
        }
        look();
    }

    /// Does without a node from now on, and returns when nothing leads there any more but what is under way.
    void without(String member) {
        try {
            worker.submit(() -> {
                        refused.add(member);
                        NodePort port = ports.remove(member);
                        if (port != null) {
                            says.accept("node " + port.member().name() + " is to leave: others are asked from now on");
                            routes = allotment.among(List.copyOf(ports.values()));
                            leaving.add(port);
                        }
                    })
                    .get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void settle() {
        if (closed) {
            return;
        }
        boolean changed = dropLost();
        for (Member member : membership.members()) {
            boolean known = ports.containsKey(member.id())
                    || refused.contains(member.id())
                    || pauses.containsKey(member.id());
            if (member.offer().role() == Offer.Role.NODE && !known) {
                changed |= open(member);
            }
        }
        if (changed) {
            routes = allotment.among(List.copyOf(ports.values()));
        }
    }

    private boolean dropLost() {
        Set<String> there = new HashSet<>();
        membership.members().forEach(member -> there.add(member.id()));
        refused.retainAll(there);
        for (NodePort port : List.copyOf(leaving)) {
            if (!there.contains(port.member().id())) {
                leaving.remove(port);
                port.link().close();
            }
        }
        pauses.keySet().retainAll(there);
        List<NodePort> lost = new ArrayList<>();
        for (NodePort port : ports.values()) {
            if (!there.contains(port.member().id()) || !port.link().isUp()) {
                lost.add(port);
            }
        }
        for (NodePort port : lost) {
            Member member = port.member();
            ports.remove(member.id());
            says.accept("node " + member.name() + " is gone: "
                    + (port.link().isUp() ? "it left the cluster" : port.link().failure())
                    + "; what it had is computed by others, or here");
            port.link().close();
            if (there.contains(member.id())) {
                pause(member.id(), FIRST_PAUSE_MILLIS);
            }
        }
        return !lost.isEmpty();
    }

    private boolean open(Member member) {
        try {
            NodeLink link = opener.open(member);
            NodePort port = new NodePort(member, link);
            ports.put(member.id(), port);
            uses.add(port.use());
            return true;
        } catch (RefusedException e) {
            refused.add(member.id());
            says.accept("node " + member.name() + " is left out: " + e.getMessage());
        } catch (UncheckedIOException e) {
            says.accept("node " + member.name() + " does not answer: " + e.getMessage());
            pause(member.id(), FIRST_PAUSE_MILLIS);
        }
        return false;
    }

    /// Leaves a node alone for a while, longer each time.
    private void pause(String id, long millis) {
        Long before = pauses.get(id);
        long pause = before == null ? millis : Math.min(LONGEST_PAUSE_MILLIS, 2 * before);
        pauses.put(id, pause);
        worker.schedule(() -> retry(id, pause), pause, TimeUnit.MILLISECONDS);
    }

    private void retry(String id, long pause) {
        for (Member member : membership.members()) {
            if (member.id().equals(id) && !closed && pauses.containsKey(id) && !ports.containsKey(id)) {
                if (open(member)) {
                    pauses.remove(id);
                    routes = allotment.among(List.copyOf(ports.values()));
                    says.accept("node " + member.name() + " is back");
                }
                return;
            }
        }
        pauses.remove(id, pause);
    }

    /// Ends all ways; nodes free what they held.
    @Override
    public void close() {
        closed = true;
        worker.shutdown();
        try {
            if (!worker.awaitTermination(LONGEST_PAUSE_MILLIS, TimeUnit.MILLISECONDS)) {
                worker.shutdownNow();
            }
        } catch (InterruptedException e) {
            worker.shutdownNow();
            Thread.currentThread().interrupt();
        }
        ports.values().forEach(port -> port.link().close());
        leaving.forEach(port -> port.link().close());
    }
}
