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

    /// Returns the node that is asked for an expert: of those that have it the one that was given least of the layer so
    /// far; null if none has it.
    @Nullable
    NodePort idlest(int layer, int expert) {
        int id = ExpertId.pack(layer, expert);
        NodePort idlest = null;
        int numOwners = placement.numOwners(layer, expert);
        for (int nth = 0; nth < numOwners; nth++) {
            NodePort port = usable(placement.owner(layer, expert, nth), id);
            if (port != null && (idlest == null || port.nanosGiven() < idlest.nanosGiven())) {
                idlest = port;
            }
        }
        return idlest;
    }

    private @Nullable NodePort usable(int owner, int id) {
        NodePort port = ports[owner];
        return port != null && port.link().isUp() && port.link().has(id) ? port : null;
    }
}
