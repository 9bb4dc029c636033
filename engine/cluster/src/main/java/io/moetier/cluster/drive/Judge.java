package io.moetier.cluster.drive;

import io.moetier.cluster.placement.Link;
import io.moetier.cluster.placement.Placement;
import io.moetier.cluster.placement.PlacerInput;
import io.moetier.runtime.remote.NodesVerdict;
import java.util.List;
import java.util.function.IntToDoubleFunction;

/// Decides whether nodes compute what would be placed on them, or the driver everything.
@FunctionalInterface
public interface Judge {
    /// Decides.
    NodesVerdict judge(Proposal proposal);

    /// What would be.
    ///
    /// @param placement of all experts on the driver and its nodes
    /// @param members of the placement, the driver first
    /// @param ways to the nodes, in their order
    /// @param uses of an expert in a token, by packed id
    record Proposal(
            Placement placement, List<PlacerInput.Capacity> members, List<Link> ways, IntToDoubleFunction uses) {
        public Proposal {
            members = List.copyOf(members);
            ways = List.copyOf(ways);
        }
    }
}
