package io.moetier.cluster.drive;

import io.moetier.cluster.link.NodeLink;
import io.moetier.cluster.link.RefusedException;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.MembershipListener;
import io.moetier.cluster.membership.Offer;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.thread.Uninterrupted;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The nodes of a driver: opens ways to them as they come, and says who owns what whenever they come or go.
///
/// One thread of its own does all that; the thread that computes takes the routes of each layer by [#begin()], gives
/// them back by [#end()], and asks for a [#look()] when a way has gone down.
final class Crew implements AutoCloseable {
    private static final long LOOK_MILLIS = 1000;
    private static final long FIRST_PAUSE_MILLIS = 1000; // before a node that did not answer is asked again
    private static final long LONGEST_PAUSE_MILLIS = 30_000; // and before one that refused
    private static final long LONGEST_LAYER_NANOS = 30_000_000_000L; // that a node which is to leave may finish

    private final Membership membership;
    private final NodeOpener opener;
    private final Allotment allotment;
    private final Consumer<String> says;
    private final ScheduledThreadPoolExecutor worker = new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("moetier-nodes").factory());
    private final AtomicBoolean isLookDue = new AtomicBoolean();
    /// By member, of the worker, as are the next five.
    private final Map<String, NodePort> ports = new LinkedHashMap<>();

    private final Map<String, Long> pauses = new HashMap<>(); // by member that did not answer or has refused
    private final Set<String> leftOut = new HashSet<>(); // of which that has been said
    private final Set<String> known = new HashSet<>(); // that have computed before
    private final Set<String> dismissed = new HashSet<>();
    private final List<NodePort> leaving = new ArrayList<>(); // still good for what is under way
    private final Map<String, NodeLink> links = new ConcurrentHashMap<>(); // by member, all that are open
    private final List<NodeUse> uses = new CopyOnWriteArrayList<>();
    private volatile Routes routes;
    private volatile @Nullable Routes underWay; // of the layer that is being computed, if any
    private volatile boolean closed;

    private Crew(Membership membership, NodeOpener opener, Allotment allotment, Consumer<String> says) {
        this.membership = membership;
        this.opener = opener;
        this.allotment = allotment;
        this.says = says;
        worker.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        routes = allotment.among(List.of());
    }

    /// Opens ways to all nodes that are there, and follows who comes and goes from then on.
    ///
    /// @param membership which stays the caller's
    /// @param says is told in a sentence who came, who left and who was refused
    static Crew gather(Membership membership, NodeOpener opener, Allotment allotment, Consumer<String> says) {
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
            crew.await(crew::settle);
            crew.lookNowAndThen();
        } catch (RuntimeException | Error e) {
            crew.close();
            throw e;
        }
        return crew;
    }

    /// A way may go down while nobody asks for anything.
    private void lookNowAndThen() {
        var _ = worker.scheduleWithFixedDelay(
                () -> guarded(this::settle), LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }

    /// Has the worker do something, and waits for it.
    private void await(Runnable task) {
        try {
            worker.submit(task).get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it is done all the same
        }
    }

    /// Returns who is asked for which expert from now on.
    Routes routes() {
        return routes;
    }

    /// Returns who is asked in the layer that begins. For the thread that computes.
    @SuppressWarnings("ReferenceEquality") // the same ones, not others that say the same
    Routes begin() {
        Routes latest;
        do { // whoever has put others in force since sees which ones are under way, or these are not taken
            latest = routes;
            underWay = latest;
        } while (latest != routes);
        return latest;
    }

    /// Everything that was asked in the layer has come, or will not.
    void end() {
        underWay = null;
    }

    List<NodeUse> uses() {
        return List.copyOf(uses);
    }

    /// Looks soon who is there.
    void look() {
        if (!closed && isLookDue.compareAndSet(false, true)) {
            try {
                worker.execute(() -> {
                    isLookDue.set(false);
                    guarded(this::settle);
                });
            } catch (RejectedExecutionException e) {
                // closed meanwhile
            }
        }
    }

    /// Has experts placed anew soon, by what is known of their uses now.
    void placeAnew() {
        if (!closed) {
            try {
                worker.execute(() -> guarded(this::allot));
            } catch (RejectedExecutionException e) {
                // closed meanwhile
            }
        }
    }

    /// Does what must not end the following of who comes and goes, whatever happens.
    private void guarded(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) {
            if (!closed) {
                says.accept("experts stay where they are: " + e.getMessage());
            }
        }
    }

    /// Whoever waits for this node is told at once, by its link.
    private void onLeft(Member member) {
        NodeLink link = links.get(member.id());
        if (link != null) {
            link.fail("it left the cluster, or has been silent for too long");
        }
        look();
    }

    /// Does without a node from now on, and returns when it has answered what was under way.
    void without(String member) {
        await(() -> {
            dismissed.add(member);
            NodePort port = ports.remove(member);
            if (port != null) {
                says.accept("node " + port.use().name() + " is to leave: others are asked from now on");
                leaving.add(port);
                allot();
            }
        });
        try {
            long start = System.nanoTime();
            while (isAsked(member) && System.nanoTime() - start < LONGEST_LAYER_NANOS) {
                Thread.sleep(1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // what is under way is computed again, if the node does not wait
        }
    }

    /// Says whether a node may be asked in the layer that is being computed.
    private boolean isAsked(String member) {
        Routes asked = underWay;
        return asked != null && asked.leadTo(member);
    }

    private void settle() {
        if (closed) {
            return;
        }
        boolean changed = dropLost();
        for (Member member : membership.members()) {
            boolean isSettled = ports.containsKey(member.id())
                    || dismissed.contains(member.id())
                    || pauses.containsKey(member.id());
            if (member.offer().role() == Offer.Role.NODE && !isSettled) {
                changed |= open(member);
            }
        }
        if (changed) {
            allot();
        }
    }

    private void allot() {
        routes = allotment.among(List.copyOf(ports.values()));
    }

    private boolean dropLost() {
        Set<String> there = new HashSet<>();
        membership.members().forEach(member -> there.add(member.id()));
        dismissed.retainAll(there);
        leftOut.retainAll(there);
        known.retainAll(there);
        pauses.keySet().retainAll(there);
        for (NodePort port : List.copyOf(leaving)) {
            if (!there.contains(port.member().id())) {
                leaving.remove(port);
                close(port);
            }
        }
        List<NodePort> lost = new ArrayList<>();
        for (NodePort port : ports.values()) {
            if (!there.contains(port.member().id()) || !port.link().isUp()) {
                lost.add(port);
            }
        }
        for (NodePort port : lost) {
            Member member = port.member();
            ports.remove(member.id());
            says.accept("node " + port.use().name() + " is gone: "
                    + (port.link().isUp() ? "it left the cluster" : port.link().failure())
                    + "; what it had is computed by others, or here");
            close(port);
            if (there.contains(member.id())) {
                pause(member.id(), FIRST_PAUSE_MILLIS);
            }
        }
        return !lost.isEmpty();
    }

    private void close(NodePort port) {
        close(port.member(), port.link());
    }

    private void close(Member member, NodeLink link) {
        link.close();
        links.remove(member.id(), link);
    }

    /// Opens the way to a node, unless it cannot be, for which no other node has to wait.
    private boolean open(Member member) {
        String id = member.id();
        try {
            NodePort port = opened(member);
            ports.put(id, port);
            uses.add(port.use());
            pauses.remove(id);
            leftOut.remove(id);
            says.accept("node " + port.use().name() + " can be asked from now on" + (known.add(id) ? "" : ", again"));
            return true;
        } catch (RefusedException e) {
            leaveOut(member, e, LONGEST_PAUSE_MILLIS); // it may have room for this model one day
        } catch (UncheckedIOException e) {
            if (!closed) {
                String reason = IoFailure.sentence(Objects.requireNonNull(e.getCause()));
                says.accept("node " + called(member) + " does not answer: " + reason);
                pause(id, FIRST_PAUSE_MILLIS);
            }
        } catch (RuntimeException e) {
            if (!closed) {
                leaveOut(member, e, FIRST_PAUSE_MILLIS);
            }
        }
        return false;
    }

    private NodePort opened(Member member) {
        NodeLink link = opener.open(member);
        links.put(member.id(), link);
        try {
            NodePort port = new NodePort(member, called(member), link, Allotment.measured(link));
            allotment.requirePlace(port, ports.values());
            return port;
        } catch (RuntimeException | Error e) {
            close(member, link);
            throw e;
        }
    }

    /// Returns what a node is called in what is told of it: its name, with its place where another one has that name.
    /// One that comes again is called the same.
    private String called(Member member) {
        boolean isOnlyOne = membership.members().stream()
                .noneMatch(other -> other.offer().role() == Offer.Role.NODE
                        && other.name().equals(member.name())
                        && !other.place().equals(member.place()));
        return isOnlyOne ? member.name() : member.nameWithPlace();
    }

    private void leaveOut(Member member, RuntimeException why, long millis) {
        if (leftOut.add(member.id())) {
            says.accept("node " + called(member) + " is left out: " + why.getMessage());
        }
        pause(member.id(), millis);
    }

    /// Leaves a node alone for a while, longer each time.
    private void pause(String id, long millis) {
        Long before = pauses.get(id);
        long pause = before == null ? millis : Math.min(LONGEST_PAUSE_MILLIS, 2 * before);
        pauses.put(id, pause);
        try {
            var _ = worker.schedule(() -> guarded(() -> retry(id)), pause, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            // closed meanwhile
        }
    }

    private void retry(String id) {
        boolean isDue = !closed && pauses.containsKey(id) && !ports.containsKey(id) && !dismissed.contains(id);
        for (Member member : membership.members()) {
            if (isDue && member.id().equals(id)) {
                if (open(member)) {
                    allot();
                }
                return;
            }
        }
    }

    /// Ends all ways; nodes free what they held.
    @Override
    public void close() {
        closed = true;
        worker.shutdownNow(); // who opens a way waits no longer
        Uninterrupted.await(() -> {
            while (!worker.awaitTermination(LONGEST_PAUSE_MILLIS, TimeUnit.MILLISECONDS)) {
                // it ends soon
            }
        });
        links.values().forEach(NodeLink::close);
    }
}
