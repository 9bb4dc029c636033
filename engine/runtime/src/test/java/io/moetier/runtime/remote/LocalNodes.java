package io.moetier.runtime.remote;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.Device;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.offload.Loaders;
import io.moetier.storage.cache.Policies;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/// Nodes of this process, some of which may vanish and return at any moment. Of a layer's experts each has its own
/// part, and one part more is nobody's, unless they have all.
public final class LocalNodes implements ExpertNodes {
    private final List<ExpertShare> shares = new ArrayList<>();
    private final Device device;
    private final int parts;
    private final boolean[] down;
    private final SplittableRandom random;
    private final double unrest;
    private @Nullable NodeRows underWay;
    private float[] outputs = {};
    private int[] experts = {};
    private int numExperts;
    private NodeRows asked;
    private boolean lost;
    public int numEvents;
    public long numComputed;
    public long numRead;
    public long numMissing;
    public int numDecisions;

    /// How nodes are made.
    ///
    /// @param nodes how many
    /// @param all whether they have all experts
    /// @param slots that each has room for, beside the least
    /// @param unrest how likely it is that one vanishes or returns at each layer and moment
    public record Kind(int nodes, boolean all, int slots, double unrest, KernelChoice kernels, long seed) {}

    LocalNodes(Kind kind, Driven engine) {
        device = CpuDevice.open(1, kind.kernels());
        SharedExperts shared = StoreExperts.of(engine.store(), engine.spec());
        long bytes = shared.minimumBytes()
                + kind.slots() * engine.store().layouts().getFirst().slotBytes();
        for (int i = 0; i < kind.nodes(); i++) {
            shares.add(ExpertShare.open(shared, device, bytes, Policies.byRoom(), Loaders.THREADS, new Counters()));
        }
        parts = kind.nodes() + (kind.all() ? 0 : 1);
        down = new boolean[kind.nodes()];
        random = new SplittableRandom(kind.seed());
        unrest = kind.unrest();
        int most = engine.spec().moeLayers().stream()
                .mapToInt(moe -> moe.numExperts())
                .max()
                .orElse(0);
        experts = new int[most];
        asked = new NodeRows(most, 0, 0);
    }

    private int owner(int layer, int expert) {
        return (layer + 7 * expert) % parts;
    }

    @Override
    public boolean takes(int layer, int expert) {
        int owner = owner(layer, expert);
        return owner < down.length && !down[owner];
    }

    @Override
    public void onDecision(int layer, int tokens, int[] experts, int[] uses, int n) {
        numDecisions++;
        happen();
    }

    /// Says whether something was sent and not received.
    public boolean isUnderWay() {
        return underWay != null;
    }

    /// Has nothing come back any more of what is sent.
    public void loseAll() {
        lost = true;
    }

    /// Something may happen to a node.
    private void happen() {
        if (random.nextDouble() < unrest) {
            int node = random.nextInt(down.length);
            down[node] ^= true;
            numEvents++;
        }
    }

    @Override
    public void send(NodeRows rows) {
        if (underWay != null || rows.numExperts() == 0) {
            throw new IllegalStateException("what was sent before was not received");
        }
        underWay = rows;
        happen();
    }

    @Override
    public int receive(NodeRows rows, float[] results, boolean[] missing) {
        if (underWay != rows) {
            throw new IllegalStateException("nothing was sent");
        }
        underWay = null;
        int numLost = 0;
        for (int node = 0; node < shares.size(); node++) {
            happen();
            if (!ask(node, rows)) {
                continue;
            }
            if (lost || down[node]) {
                for (int i = 0; i < numExperts; i++) {
                    missing[experts[i]] = true;
                }
                numLost += numExperts;
                Arrays.fill(results, rows.from(experts[0]) * rows.size(), rows.from(experts[0]) * rows.size() + 1, 7);
                continue;
            }
            if (outputs.length < asked.numRows() * rows.size()) {
                outputs = new float[asked.numRows() * rows.size()];
            }
            numRead += shares.get(node).compute(asked, outputs);
            for (int i = 0; i < numExperts; i++) {
                int to = rows.from(experts[i]) * rows.size();
                System.arraycopy(outputs, asked.from(i) * rows.size(), results, to, asked.count(i) * rows.size());
            }
            numComputed += numExperts;
        }
        numMissing += numLost;
        return numLost;
    }

    /// Makes what a node is asked for, backwards, since the order must not matter; says whether there is anything.
    private boolean ask(int node, NodeRows rows) {
        int numInputs = rows.numInputs() * rows.size();
        asked = new NodeRows(rows.numExperts(), rows.numRows(), numInputs);
        asked.begin(rows.layer(), rows.tokens());
        numExperts = 0;
        for (int i = rows.numExperts() - 1; i >= 0; i--) {
            if (owner(rows.layer(), rows.expert(i)) == node) {
                asked.add(rows.expert(i), rows.weight(i), rows.inputRows(), rows.from(i), rows.count(i));
                experts[numExperts++] = i;
            }
        }
        System.arraycopy(rows.inputs(), 0, asked.inputs(), 0, numInputs);
        asked.holds(rows.numInputs(), rows.size());
        return numExperts > 0;
    }

    @Override
    public void close() {
        shares.forEach(ExpertShare::close);
        device.close();
    }
}
