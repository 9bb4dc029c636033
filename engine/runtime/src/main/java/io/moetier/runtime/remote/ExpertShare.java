package io.moetier.runtime.remote;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.model.spec.ExpertParts;
import io.moetier.runtime.model.weight.ExpertKinds;
import io.moetier.runtime.model.weight.ExpertViews;
import io.moetier.runtime.offload.ExpertArrivals;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.offload.LayerExperts;
import io.moetier.runtime.offload.Loaders;
import io.moetier.runtime.offload.Residency;
import io.moetier.runtime.offload.ResidentSummary;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Tier;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The experts of a model that a machine computes for others: held in main memory within a budget, the others read when
/// they are asked for. Where an expert was, and in which order they are computed, cannot change a bit of the results.
///
/// Nothing is loaded ahead: what is asked for next, only who asks can guess.
///
/// Lifetime: owns its memory and loaders, but not the device, which it must be closed before. Confined to one thread at
/// a time.
public final class ExpertShare implements AutoCloseable {
    private final Device device;
    private final ExpertTiers tiers;
    private final @Nullable Layer[] layers; // by number
    private final ExpertBatch batch = new ExpertBatch();
    private DeviceBuffer inputs;
    private DeviceBuffer outputs;
    private int[] outRows = {}; // 0, 1, 2, …
    private int[] experts;
    private int[] counts;
    private int[] from; // by expert: its first row; -1 if it is not asked for
    private float[] weights;

    /// @param size of what experts read and give
    /// @param experts which ones there are
    private record Layer(int size, ExpertViews views, BitSet experts) {}

    private ExpertShare(Device device, ExpertTiers tiers, SharedExperts shared) {
        this.device = device;
        this.tiers = tiers;
        int[] ids = shared.source().ids();
        layers = new Layer[IntStream.of(ids).map(ExpertId::layerOf).max().orElse(-1) + 1];
        ExpertKinds kinds = new ExpertKinds();
        int most = 0;
        for (int layer : IntStream.of(ids).map(ExpertId::layerOf).distinct().toArray()) {
            BitSet present = present(ids, layer);
            layers[layer] = layer(shared, kinds, layer, present);
            most = Math.max(most, present.length());
        }
        inputs = device.allocate(1);
        outputs = device.allocate(1);
        experts = new int[most];
        counts = new int[most];
        weights = new float[most];
        from = new int[most];
        Arrays.fill(from, -1);
    }

    /// Opens a share in which nothing is held yet.
    ///
    /// @param device which computes, and reads main memory
    /// @param ramBytes that experts may take
    /// @param policy says which leave, such as [io.moetier.storage.cache.Policies#byRoom()]
    /// @throws IllegalArgumentException if the budget is below [SharedExperts#minimumBytes()], or a layer's layout
    ///     or activation is none of an expert
    public static ExpertShare open(
            SharedExperts shared,
            Device device,
            long ramBytes,
            PolicyFactory policy,
            Loaders loaders,
            Counters counters) {
        ExpertTiers tiers = ExpertTiers.inMainMemory(
                shared.source(), device, new Residency(1, ramBytes, policy), loaders, counters);
        try {
            return new ExpertShare(device, tiers, shared);
        } catch (RuntimeException | Error e) {
            try (tiers) {
                throw e;
            }
        }
    }

    private static BitSet present(int[] ids, int layer) {
        BitSet present = new BitSet();
        IntStream.of(ids).filter(id -> ExpertId.layerOf(id) == layer).forEach(id -> present.set(ExpertId.expertOf(id)));
        return present;
    }

    private static Layer layer(SharedExperts shared, ExpertKinds kinds, int number, BitSet present) {
        BlockLayout layout = shared.layoutOf().apply(number);
        FfnActivation activation = shared.activations().get(number);
        List<String> names = activation == null || !activation.isGated()
                ? List.of(ExpertParts.UP, ExpertParts.DOWN)
                : List.of(ExpertParts.GATE, ExpertParts.UP, ExpertParts.DOWN);
        boolean whole = names.stream().allMatch(name -> layout.find(name).isPresent());
        if (activation == null
                || !whole
                || layout.part(ExpertParts.UP).cols()
                        != layout.part(ExpertParts.DOWN).rows()) {
            throw new IllegalArgumentException("layer " + number + " has no experts of activation " + activation);
        }
        return new Layer(layout.part(ExpertParts.UP).cols(), kinds.of(layout, activation), present);
    }

    /// Computes experts: those that are held first, while others are read.
    ///
    /// @param outputs `[numRows, size]`, receives the results
    /// @return how many were read
    /// @throws IllegalArgumentException if there are no such experts or rows; nothing has happened then
    public int compute(ExpertRows asked, float[] outputs) {
        Layer layer = require(asked, outputs);
        int numExperts = asked.numExperts();
        reserve(asked);
        device.upload(asked.inputs(), 0, asked.numInputs() * asked.size(), inputs, 0);
        int numRead = 0;
        int row = 0;
        try {
            for (int i = 0; i < numExperts; i++) {
                experts[i] = asked.expert(i);
                counts[i] = asked.count(i);
                weights[i] = asked.weight(i);
                from[experts[i]] = row;
                row += counts[i];
            }
            batch.begin(asked.inputRows(), outRows, asked.tokens());
            try (LayerExperts opened = tiers.begin(asked.layer(), experts, counts, weights, numExperts)) {
                for (ExpertArrivals arrivals = opened.on(0); arrivals.next(); ) {
                    numRead += compute(layer, arrivals, asked);
                }
            }
        } finally {
            for (int i = 0; i < numExperts; i++) {
                from[asked.expert(i)] = -1;
            }
        }
        device.download(this.outputs, 0, asked.numRows() * asked.size(), outputs, 0);
        return numRead;
    }

    /// Computes those of a group, and returns how many of them were read.
    private int compute(Layer layer, ExpertArrivals arrivals, ExpertRows asked) {
        int numRead = 0;
        for (int i = 0; i < arrivals.size(); i++) {
            int expert = arrivals.expert(i);
            int n = counts[indexOf(expert)];
            ExpertWeights expertWeights = layer.views().in(arrivals.block(i));
            if (!batch.hasRoom(expertWeights, n)) {
                computeBatch(asked);
            }
            batch.add(expertWeights, from[expert], n);
            numRead += arrivals.tier(i) == Tier.DISK ? 1 : 0;
        }
        computeBatch(asked);
        return numRead;
    }

    private int indexOf(int expert) {
        int index = 0;
        while (experts[index] != expert) {
            index++;
        }
        return index;
    }

    private void computeBatch(ExpertRows asked) {
        device.kernels().expertFfn(batch, inputs, outputs);
        batch.begin(asked.inputRows(), outRows, asked.tokens());
    }

    /// Makes room for what is asked.
    private void reserve(ExpertRows asked) {
        int floatsIn = asked.numInputs() * asked.size();
        int floatsOut = asked.numRows() * asked.size();
        if (inputs.length() < floatsIn) {
            inputs = device.allocate(floatsIn);
        }
        if (outputs.length() < floatsOut) {
            outputs = device.allocate(floatsOut);
        }
        if (outRows.length < asked.numRows()) {
            outRows = IntStream.range(0, asked.numRows()).toArray();
        }
    }

    private Layer require(ExpertRows asked, float[] outputs) {
        Layer layer = asked.layer() < 0 || asked.layer() >= layers.length ? null : layers[asked.layer()];
        if (layer == null) {
            throw new IllegalArgumentException("layer " + asked.layer() + " has no experts here");
        }
        if (asked.size() != layer.size()) {
            throw new IllegalArgumentException("experts of layer " + asked.layer() + " read rows of " + layer.size()
                    + " elements, not of " + asked.size());
        }
        require(asked.tokens() >= 1 && asked.numInputs() >= 1, asked, "an input and a token at least");
        long floatsIn = (long) asked.numInputs() * asked.size();
        long floatsOut = (long) asked.numRows() * asked.size();
        require(floatsIn <= asked.inputs().length, asked, "as many inputs as are named");
        require(asked.numRows() >= 0 && floatsOut <= outputs.length, asked, "room for all results");
        requireExperts(asked, layer);
        requireRows(asked);
        return layer;
    }

    private static void requireExperts(ExpertRows asked, Layer layer) {
        int numExperts = asked.numExperts();
        require(
                numExperts >= 1 && numExperts <= layer.experts().cardinality(),
                asked,
                "as many experts as the layer has");
        long numRows = 0;
        for (int i = 0; i < numExperts; i++) {
            int expert = asked.expert(i);
            if (expert < 0 || !layer.experts().get(expert)) {
                throw new IllegalArgumentException("layer " + asked.layer() + " has no expert " + expert + " here");
            }
            for (int before = 0; before < i; before++) {
                require(asked.expert(before) != expert, asked, "each expert once");
            }
            require(asked.count(i) >= 1, asked, "a row for each expert");
            numRows += asked.count(i);
        }
        require(numRows == asked.numRows(), asked, "as many rows as all experts read");
    }

    private static void requireRows(ExpertRows asked) {
        int[] rows = asked.inputRows();
        require(asked.numRows() <= rows.length, asked, "as many rows as are named");
        for (int i = 0; i < asked.numRows(); i++) {
            if (rows[i] < 0 || rows[i] >= asked.numInputs()) {
                throw new IllegalArgumentException(
                        "layer " + asked.layer() + ": row " + rows[i] + " of " + asked.numInputs() + " is asked for");
            }
        }
    }

    private static void require(boolean holds, ExpertRows asked, String expected) {
        if (!holds) {
            throw new IllegalArgumentException("layer " + asked.layer() + ": expected " + expected + ", found "
                    + asked.numExperts() + " experts, " + asked.numRows() + " rows, " + asked.numInputs() + " inputs");
        }
    }

    /// Reads experts that are not held into what room is free, those first that come first; no access is counted.
    ///
    /// What the source throws when it reads an expert is thrown here.
    ///
    /// @param ids packed, the most valuable first; those that are held already, or not there, are passed over
    public void warm(int[] ids) {
        tiers.fill(ids);
    }

    /// Begins to read an expert that is not held into what room is free, and waits for nothing; to be called again
    /// until it is settled, for it gives way to what is asked for. A read that fails is forgotten.
    ///
    /// @param id packed
    /// @return whether that is settled: the expert is held, or there is no room, or the read failed
    public boolean warmBehind(int id) {
        return tiers.fillBehind(id);
    }

    /// Says whether an expert is held, by packed id.
    boolean isHeld(int id) {
        Layer layer = ExpertId.layerOf(id) < layers.length ? layers[ExpertId.layerOf(id)] : null;
        int expert = ExpertId.expertOf(id);
        return layer != null && layer.experts().get(expert) && tiers.isHere(ExpertId.layerOf(id), expert);
    }

    /// Returns where experts are held, for who guards their memory.
    public ExpertTiers tiers() {
        return tiers;
    }

    /// Tells how much is held.
    public ResidentSummary residentSummary() {
        return tiers.residentSummary();
    }

    @Override
    public void close() {
        tiers.close();
    }
}
