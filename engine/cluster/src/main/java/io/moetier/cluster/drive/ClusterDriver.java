package io.moetier.cluster.drive;

import io.moetier.kernels.device.Owned;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.metrics.NodeWork;
import io.moetier.runtime.remote.ExpertNodes;
import io.moetier.runtime.remote.NodeRows;
import io.moetier.runtime.remote.NodesVerdict;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Sends each layer's rows to the nodes that own its experts.
///
/// Whom an expert is asked of is decided anew in every layer, by who has it and is there; what does not come back is
/// missing, and the engine computes it.
public final class ClusterDriver implements ExpertNodes {
    /// Rows of one request: as many as keep a node busy while the next request comes.
    private static final int MOST_ROWS = 512;

    private final Crew crew;
    private final Uses uses;
    private final Judging judging;
    private final Owned owned;
    private Routes routes; // of the last layer, for the thread that computes

    /// @param crew the nodes, which are closed with the rest
    /// @param uses are counted here
    /// @param judging says whether nodes compute
    /// @param owned what is closed with this
    ClusterDriver(Crew crew, Uses uses, Judging judging, Owned owned) {
        this.crew = crew;
        this.uses = uses;
        this.judging = judging;
        this.owned = owned;
        routes = crew.routes();
    }

    @Override
    public boolean takes(int layer, int expert) {
        return crew.routes().leadsAway(layer, expert);
    }

    @Override
    public void onDecision(int layer, int tokens, int[] experts, int[] numUses, int n) {
        if (uses.count(layer, tokens, experts, numUses, n)) {
            crew.placeAnew();
        }
    }

    @Override
    public void send(NodeRows rows) {
        routes = crew.begin();
        for (NodePort port : routes.ports()) {
            if (port != null) {
                port.begin();
            }
        }
        for (int i = 0; i < rows.numExperts(); i++) {
            NodePort port = NodePort.fits(rows, i) ? routes.idlest(rows.layer(), rows.expert(i)) : null;
            if (port != null) {
                port.give(i, rows.count(i));
            }
        }
        for (NodePort port : routes.ports()) {
            if (port != null) {
                port.send(rows, MOST_ROWS);
            }
        }
    }

    @Override
    public int receive(NodeRows rows, float[] results, boolean[] missing) {
        Arrays.fill(missing, 0, rows.numExperts(), true);
        int numTaken = 0;
        boolean anyDown = false;
        for (NodePort port : routes.ports()) {
            if (port != null) {
                numTaken += port.receive(rows, results, missing);
                anyDown |= !port.link().isUp();
            }
        }
        crew.end();
        if (anyDown) {
            crew.look();
        }
        return rows.numExperts() - numTaken;
    }

    @Override
    public void tell(ActivityListener listener) {
        for (NodePort port : routes.ports()) {
            if (port != null) {
                port.tell(listener);
            }
        }
    }

    /// Returns what each node has done so far, those that have left among them.
    public List<NodeUse> uses() {
        return crew.uses();
    }

    /// A node that went and came again is one.
    @Override
    public List<NodeWork> work() {
        Map<String, NodeWork> byName = new LinkedHashMap<>();
        crew.uses().forEach(use -> byName.merge(use.name(), use.work(), NodeWork::plus));
        return List.copyOf(byName.values());
    }

    @Override
    public Optional<NodesVerdict> verdict() {
        return judging.latest();
    }

    @Override
    public void close() {
        owned.close();
    }
}
