package io.moetier.cluster.drive;

import io.moetier.cluster.link.NodeLink;
import io.moetier.cluster.link.RefusedException;
import io.moetier.cluster.membership.Member;
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
    /// As many bytes as a token's row takes there, and its experts' rows back.
    private static final int PROBE_THERE = 8 << 10;
    private static final int PROBE_BACK = 32 << 10;
    private static final int PROBES = 9;

    private final StoreManifest manifest;
    private final IntToDoubleFunction uses;
    private final Capacity here;
    private final KeptPlacement kept;

    /// What this machine can do for experts itself.
    ///
    /// @param ramBytes for experts
    /// @param bytesPerSecond of experts' weights that it computes from memory
    /// @param readBytesPerSecond of experts that it reads from its disk
    record Capacity(long ramBytes, double bytesPerSecond, double readBytesPerSecond) {}

    /// @param uses of an expert in a token, by packed id
    Allotment(StoreManifest manifest, IntToDoubleFunction uses, Capacity here, KeptPlacement kept) {
        this.manifest = manifest;
        this.uses = uses;
        this.here = here;
        this.kept = kept;
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

    /// Allots all experts to this machine and `ports`.
    Routes among(List<NodePort> ports) {
        List<PlacerInput.Capacity> members = members(ports);
        @Nullable NodePort[] byOwner = new NodePort[members.size()];
        for (int i = 0; i < ports.size(); i++) {
            byOwner[i + 1] = ports.get(i);
        }
        Placement placement = Placer.place(PlacerInput.of(manifest, uses, members, kept.inForce()));
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

    private List<PlacerInput.Capacity> members(List<NodePort> ports) {
        List<PlacerInput.Capacity> members = new ArrayList<>();
        members.add(new PlacerInput.Capacity(
                HERE, here.ramBytes(), here.bytesPerSecond(), here.readBytesPerSecond(), 0, new int[0]));
        ports.forEach(port -> members.add(capacity(name(port, ports), port)));
        return members;
    }

    /// A node that comes again has another id, and the same name.
    private static String name(NodePort port, List<NodePort> ports) {
        Member member = port.member();
        boolean isOnlyOne = ports.stream()
                        .filter(other -> other.member().name().equals(member.name()))
                        .count()
                == 1;
        return isOnlyOne ? member.name() : member.name() + " " + member.id();
    }

    private static PlacerInput.Capacity capacity(String name, NodePort port) {
        Welcome welcome = port.link().welcome();
        return new PlacerInput.Capacity(
                name,
                welcome.ramBytes(),
                welcome.bytesPerSecond(),
                welcome.readBytesPerSecond(),
                port.roundTripNanos() * SECONDS_PER_NANO,
                welcome.onDisk());
    }

    /// Measures how far a node is.
    static long roundTripNanos(NodeLink link) {
        return link.roundTripNanos(PROBE_THERE, PROBE_BACK, PROBES);
    }
}
