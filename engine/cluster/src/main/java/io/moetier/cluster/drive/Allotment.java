package io.moetier.cluster.drive;

import io.moetier.cluster.link.NodeLink;
import io.moetier.cluster.link.RefusedException;
import io.moetier.cluster.placement.Link;
import io.moetier.cluster.placement.Placement;
import io.moetier.cluster.placement.Placer;
import io.moetier.cluster.placement.PlacerInput;
import io.moetier.cluster.wire.Welcome;
import io.moetier.storage.expert.StoreManifest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.jspecify.annotations.Nullable;

/// Allots the experts of a model to this machine and its nodes, tells all members, and tells each node its own.
///
/// Confined to one thread at a time.
final class Allotment {
    private static final String HERE = ""; // nothing can be placed on a node that is called that
    private static final double SECONDS_PER_NANO = 1e-9;
    private static final int PROBES = 9;
    private static final int MOST_ROUNDS = 64; // of probes
    private static final double WHILE_NANOS = 100e6;
    /// Bytes that tell how fast a link is: some milliseconds of the usual ones.
    private static final int MANY = 256 << 10;

    private final StoreManifest manifest;
    private final long rowBytes;
    private final IntToDoubleFunction uses;
    private final Capacity here;
    private final KeptPlacement kept;
    private final Judging judging;

    /// What this machine can do for experts itself.
    ///
    /// @param ramBytes for experts
    /// @param bytesPerSecond of experts' weights that it computes from memory
    /// @param readBytesPerSecond of experts that it reads from its disk
    record Capacity(long ramBytes, double bytesPerSecond, double readBytesPerSecond) {}

    /// @param rowBytes of a row of activations
    /// @param uses of an expert in a token, by packed id
    Allotment(
            StoreManifest manifest,
            long rowBytes,
            IntToDoubleFunction uses,
            Capacity here,
            KeptPlacement kept,
            Judging judging) {
        this.manifest = manifest;
        this.rowBytes = rowBytes;
        this.uses = uses;
        this.here = here;
        this.kept = kept;
        this.judging = judging;
    }

    /// Requires that experts can be placed on a node beside others.
    ///
    /// @throws RefusedException if what it says of itself is no member of a placement
    void requirePlace(NodePort port, Collection<NodePort> others) {
        List<NodePort> ports = new ArrayList<>(others);
        ports.add(port);
        try {
            PlacerInput.requireMembers(members(ports));
        } catch (IllegalArgumentException e) {
            throw new RefusedException("no expert can be placed on it: " + e.getMessage());
        }
    }

    /// Allots all experts to this machine and `ports`, or all to this machine if that is decided.
    Routes among(List<NodePort> ports) {
        List<PlacerInput.Capacity> members = members(ports);
        @Nullable NodePort[] byOwner = new NodePort[members.size()];
        for (int i = 0; i < ports.size(); i++) {
            byOwner[i + 1] = ports.get(i);
        }
        Placement placement = place(members);
        if (!judging.nodesCompute(ports, () -> proposal(placement, members, ports))) {
            ports.forEach(port -> port.link().assign(new int[0]));
            return among(List.of());
        }
        for (int owner = 1; owner < byOwner.length; owner++) {
            NodePort port = byOwner[owner];
            if (port != null) {
                port.link().assign(placement.assignment(owner, uses));
            }
        }
        if (!ports.isEmpty()) {
            kept.replace(placement); // while nobody is there, what they had is still known
        }
        return new Routes(placement, byOwner);
    }

    private Placement place(List<PlacerInput.Capacity> members) {
        return Placer.place(PlacerInput.of(manifest, uses, members, kept.inForce()));
    }

    private Judge.Proposal proposal(Placement placement, List<PlacerInput.Capacity> members, List<NodePort> ports) {
        return new Judge.Proposal(
                placement, members, ports.stream().map(NodePort::way).toList(), uses);
    }

    private List<PlacerInput.Capacity> members(List<NodePort> ports) {
        List<PlacerInput.Capacity> members = new ArrayList<>();
        members.add(new PlacerInput.Capacity(
                HERE, here.ramBytes(), here.bytesPerSecond(), here.readBytesPerSecond(), 0, new int[0]));
        ports.forEach(port -> members.add(capacity(name(port, ports), port)));
        return members;
    }

    /// A node that comes again has another id, and is called the same; for a moment both may be there.
    private static String name(NodePort port, List<NodePort> ports) {
        String name = port.use().name();
        boolean isOnlyOne =
                ports.stream().filter(other -> other.use().name().equals(name)).count() == 1;
        return isOnlyOne ? name : name + " " + port.member().id();
    }

    private PlacerInput.Capacity capacity(String name, NodePort port) {
        Welcome welcome = port.link().welcome();
        return new PlacerInput.Capacity(
                name,
                welcome.ramBytes(),
                welcome.bytesPerSecond(),
                welcome.readBytesPerSecond(),
                port.way().rowSeconds(rowBytes),
                welcome.onDisk());
    }

    /// Measures the way to a node.
    static Link measured(NodeLink link) {
        long nothing = leastNanos(link, 0);
        long many = leastNanos(link, MANY);
        double rate = many > nothing ? MANY / ((many - nothing) * SECONDS_PER_NANO) : Double.POSITIVE_INFINITY;
        return new Link(nothing * SECONDS_PER_NANO, rate);
    }

    /// Repeats probes for a while, as they become faster until programs at both ends are compiled.
    private static long leastNanos(NodeLink link, int bytesBack) {
        long least = Long.MAX_VALUE;
        double spent = 0;
        for (int round = 0; round < MOST_ROUNDS && spent < WHILE_NANOS; round++) {
            long next = link.roundTripNanos(0, bytesBack, PROBES);
            least = Math.min(least, next);
            spent += (double) PROBES * next;
        }
        return least;
    }
}
