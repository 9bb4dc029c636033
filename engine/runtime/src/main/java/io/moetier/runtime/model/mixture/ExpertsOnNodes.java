package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.metrics.Section;
import io.moetier.runtime.model.pass.ExpertGroups;
import io.moetier.runtime.model.pass.MixtureBuffers;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.offload.LayerExperts;
import io.moetier.runtime.remote.ExpertNodes;
import io.moetier.runtime.remote.NodeRows;
import io.moetier.storage.model.Tier;
import java.util.Arrays;
import java.util.stream.IntStream;

/// Divides the experts of a layer into those that other machines compute and those that are computed here, and brings
/// the results of the former to the rows that they would have written here. Where a row was computed, and when it came,
/// cannot change a bit if the kernels are the same.
///
/// What nodes compute is no business of the tiers: nothing of it is loaded, and no policy hears of it. Only what comes
/// back missing is asked of them, when they are done with the layer's other experts.
///
/// Owns buffers on the main device, as long as that; confined to the thread that computes.
public final class ExpertsOnNodes {
    private static final int MOST_ROWS = 1024; // that come to the device together

    private final ExpertNodes nodes;
    private final Device main;
    private final ExpertTiers tiers;
    private final Counters counters;
    private final NodeRows sent;
    private final float[] results; // [rows, mostSize]
    private final boolean[] missing; // by expert that was sent
    private final DeviceBuffer returned; // [MOST_ROWS, mostSize]
    private final int[] readRows; // [rows], those of `returned`, again and again
    private final int[] finalRows; // [rows], where results go
    private final int[] experts; // that are computed here
    private final int[] rows; // of each
    private final float[] weights;
    private boolean underWay; // sent, and not received

    /// @param batch the most tokens of one pass
    public ExpertsOnNodes(
            ExpertNodes nodes, ModelSpec spec, Device main, int batch, ExpertTiers tiers, Counters counters) {
        this.nodes = nodes;
        this.main = main;
        this.tiers = tiers;
        this.counters = counters;
        ExpertPlaces.Sizes sizes = ExpertPlaces.Sizes.of(spec, batch);
        int most = spec.moeLayers().stream()
                .mapToInt(moe -> moe.numExperts())
                .max()
                .orElse(0);
        sent = new NodeRows(most, sizes.choices(), Math.multiplyExact(sizes.inputRows(), sizes.size()));
        results = new float[Math.multiplyExact(sizes.choices(), sizes.size())];
        missing = new boolean[most];
        returned = main.allocate(Math.multiplyExact(Math.min(MOST_ROWS, sizes.choices()), sizes.size()));
        readRows =
                IntStream.range(0, sizes.choices()).map(row -> row % MOST_ROWS).toArray();
        finalRows = new int[sizes.choices()];
        experts = new int[most];
        rows = new int[most];
        weights = new float[most];
    }

    /// Returns the bytes that the main device needs.
    public static long bytesHere(ModelSpec spec, int batch) {
        ExpertPlaces.Sizes sizes = ExpertPlaces.Sizes.of(spec, batch);
        return (long) Float.BYTES * Math.min(MOST_ROWS, sizes.choices()) * sizes.size();
    }

    /// Returns the bytes that are needed in main memory beside those.
    public static long bytesOnHeap(ModelSpec spec, int batch) {
        ExpertPlaces.Sizes sizes = ExpertPlaces.Sizes.of(spec, batch);
        return (long) Float.BYTES * (sizes.inputRows() + sizes.choices()) * sizes.size();
    }

    /// Begins a layer of `n` tokens, whose experts are the first `numDistinct` of the groups: those that nodes do not
    /// take are asked of the tiers.
    ///
    /// @param inputRows by the index into the groups' rows, which rows experts read
    LayerExperts begin(int layer, int n, ExpertGroups groups, int numDistinct, int[] inputRows) {
        nodes.onDecision(layer, n, groups.distinct, groups.sizes, numDistinct);
        sent.begin(layer, n);
        int here = 0;
        for (int i = 0; i < numDistinct; i++) {
            int expert = groups.distinct[i];
            if (nodes.takes(layer, expert)) {
                System.arraycopy(groups.rows, groups.start(expert), finalRows, sent.numRows(), groups.size(expert));
                sent.add(expert, groups.weights[i], inputRows, groups.start(expert), groups.size(expert));
            } else {
                experts[here] = expert;
                rows[here] = groups.sizes[i];
                weights[here++] = groups.weights[i];
            }
        }
        return tiers.begin(layer, experts, rows, weights, here);
    }

    /// Sends what nodes take of the layer on its way.
    ///
    /// @param activations `[numInputs, size]`, what experts read
    void send(DeviceBuffer activations, int numInputs, int size) {
        if (sent.numExperts() > 0) {
            main.download(activations, 0, numInputs * size, sent.inputs(), 0);
            sent.holds(numInputs, size);
            underWay = true;
            nodes.send(sent);
        }
    }

    /// Waits for what was sent and writes it where it belongs, and `NODE` to the `tiers` of these experts; says whether
    /// any are missing, which [#beginMissing] asks of the tiers.
    boolean bringBack(MixtureBuffers mixture, Tier[] tierOf) {
        if (!underWay) {
            return false;
        }
        counters.activity().enter(Section.NODES);
        long start = System.nanoTime();
        int numMissing = receive();
        counters.addNodeWait(System.nanoTime() - start);
        nodes.tell(counters.activity());
        counters.activity().enter(Section.EXPERTS);
        int numRows = numMissing == 0 ? sent.numRows() : closeGaps();
        write(numRows, mixture.expertRows());
        for (int i = 0; i < sent.numExperts(); i++) {
            if (!missing[i]) {
                tierOf[sent.expert(i)] = Tier.NODE;
            }
        }
        counters.addOnNodes(sent.numExperts() - numMissing, numRows, numMissing);
        return numMissing > 0;
    }

    /// Waits for what was sent of a layer that has failed. Who is to leave is waited for until then.
    void giveUp() {
        if (underWay) {
            receive();
        }
    }

    private int receive() {
        underWay = false;
        Arrays.fill(missing, 0, sent.numExperts(), false);
        return nodes.receive(sent, results, missing);
    }

    /// Leaves out the rows of experts that are missing, and returns how many remain.
    private int closeGaps() {
        int at = 0;
        for (int i = 0; i < sent.numExperts(); i++) {
            if (!missing[i]) {
                int size = sent.size();
                System.arraycopy(results, sent.from(i) * size, results, at * size, sent.count(i) * size);
                System.arraycopy(finalRows, sent.from(i), finalRows, at, sent.count(i));
                at += sent.count(i);
            }
        }
        return at;
    }

    private void write(int numRows, DeviceBuffer expertRows) {
        int size = sent.size();
        for (int from = 0; from < numRows; from += MOST_ROWS) {
            int n = Math.min(MOST_ROWS, numRows - from);
            main.upload(results, from * size, n * size, returned, 0);
            main.kernels().copyRows(returned, readRows, finalRows, from, n, size, expertRows);
        }
    }

    /// Asks the tiers for the experts that nobody has computed; what was begun before is closed.
    LayerExperts beginMissing() {
        int n = 0;
        for (int i = 0; i < sent.numExperts(); i++) {
            if (missing[i]) {
                experts[n] = sent.expert(i);
                rows[n] = sent.count(i);
                weights[n++] = sent.weight(i);
            }
        }
        return tiers.begin(sent.layer(), experts, rows, weights, n);
    }
}
