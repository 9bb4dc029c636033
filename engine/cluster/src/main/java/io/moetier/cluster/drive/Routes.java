package io.moetier.cluster.drive;

import io.moetier.cluster.placement.Placement;
import io.moetier.storage.model.ExpertId;
import org.jspecify.annotations.Nullable;

/// Who is asked for which expert from now on: a placement, and the ways to its owners.
///
/// @param placement owner 0 is this machine
/// @param ports by owner; null for this machine, and for who is not there
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
record Routes(Placement placement, @Nullable NodePort[] ports) {
    /// Says whether a node is asked for an expert.
    boolean leadsAway(int layer, int expert) {
        if (placement.owner(layer, expert, 0) == Placement.DRIVER) {
            return false;
        }
        return idlest(layer, expert) != null;
    }

    /// Says whether anything leads to a member.
    boolean leadTo(String member) {
        for (NodePort port : ports) {
            if (port != null && port.member().id().equals(member)) {
                return true;
            }
        }
        return false;
    }

    /// Returns the node that is asked for an expert: of its owners that have it the one that was given least of the
    /// layer so far; while none of them has it, a former owner that still does; null if nobody has it.
    @Nullable
    NodePort idlest(int layer, int expert) {
        int id = ExpertId.pack(layer, expert);
        NodePort idlest = null;
        int numOwners = placement.numOwners(layer, expert);
        for (int nth = 0; nth < numOwners; nth++) {
            idlest = idler(idlest, ports[placement.owner(layer, expert, nth)], id);
        }
        for (int owner = 0; owner < ports.length && idlest == null; owner++) {
            idlest = idler(null, ports[owner], id);
        }
        return idlest;
    }

    private static @Nullable NodePort idler(@Nullable NodePort one, @Nullable NodePort other, int id) {
        if (other == null || !other.link().isUp() || !other.link().has(id)) {
            return one;
        }
        return one == null || other.nanosGiven() < one.nanosGiven() ? other : one;
    }
}
