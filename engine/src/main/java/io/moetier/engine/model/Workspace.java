package io.moetier.engine.model;

import io.moetier.engine.device.Device;
import io.moetier.engine.device.DeviceBuffer;
import io.moetier.engine.model.spec.AttentionSpec;
import io.moetier.engine.model.spec.DenseSpec;
import io.moetier.engine.model.spec.LayerSpec;
import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.engine.model.spec.MoeSpec;
import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/// The buffers of one batch, allocated once so that a forward pass allocates nothing. Confined to one session.
public final class Workspace {
    final int batch;

    /// The pass under way: tokens, position of the first, phase, and who is told of its routing.
    int n;

    int firstPosition;
    Phase phase = Phase.PREFILL;
    RoutingListener listener = RoutingListener.NONE;
    BooleanSupplier cancelled = () -> false;

    final DeviceBuffer hidden; // [batch, hiddenSize]: the residual stream
    final DeviceBuffer normed; // [batch, hiddenSize]
    final DeviceBuffer sublayer; // [batch, hiddenSize]: output of attention or feed-forward
    final DeviceBuffer query; // [batch, numHeads * headDim]
    final DeviceBuffer key; // [batch, numKeyValueHeads * headDim]
    final DeviceBuffer value; // as key
    final DeviceBuffer heads; // as query: output of attention before projection
    final DeviceBuffer ffnGate; // [batch, widest dense intermediate size]
    final DeviceBuffer ffnUp; // as ffnGate
    final DeviceBuffer shared; // [batch, hiddenSize]
    final DeviceBuffer sharedGate; // [batch]
    final DeviceBuffer routerLogits; // [batch, numExperts]
    final DeviceBuffer expertRows; // [batch * k, hiddenSize]
    final int[] expertIds; // [batch, k]
    final float[] routingWeights; // [batch, k]
    final Tier[] tiers; // [batch, k]
    final ExpertGroups groups;

    Workspace(ModelSpec spec, Device device, int batch) {
        Allocator floats = (rows, cols) -> device.allocate(Math.multiplyExact(rows, cols));
        this.batch = batch;
        hidden = floats.of(batch, spec.hiddenSize());
        normed = floats.of(batch, spec.hiddenSize());
        sublayer = floats.of(batch, spec.hiddenSize());
        int queryWidth = widest(spec.layers().stream()
                .map(LayerSpec::attention)
                .mapToInt(attention -> attention.numHeads() * attention.headDim()));
        int keyWidth = widest(spec.layers().stream().map(LayerSpec::attention).mapToInt(Workspace::keyWidth));
        query = floats.of(batch, queryWidth);
        key = floats.of(batch, keyWidth);
        value = floats.of(batch, keyWidth);
        heads = floats.of(batch, queryWidth);
        int denseWidth = widest(spec.layers().stream().mapToInt(Workspace::denseWidth));
        ffnGate = floats.of(batch, denseWidth);
        ffnUp = floats.of(batch, denseWidth);
        shared = floats.of(batch, spec.hiddenSize());
        sharedGate = device.allocate(batch);
        int numExperts = widest(spec.moeLayers().stream().mapToInt(MoeSpec::numExperts));
        int slots = batch * widest(spec.moeLayers().stream().mapToInt(MoeSpec::numExpertsPerToken));
        routerLogits = floats.of(batch, numExperts);
        expertRows = floats.of(slots, spec.hiddenSize());
        expertIds = new int[slots];
        routingWeights = new float[slots];
        tiers = new Tier[slots];
        groups = new ExpertGroups(numExperts, slots);
    }

    /// Allocates rows of activations and fails on sizes beyond an array's.
    private interface Allocator {
        DeviceBuffer of(int rows, int cols);
    }

    /// Has every routing decision reported to `newListener` from now on.
    public void listen(RoutingListener newListener) {
        listener = newListener;
    }

    /// Has forward passes ask `supplier` before each layer whether to give up.
    public void cancelWhen(BooleanSupplier supplier) {
        cancelled = supplier;
    }

    /// Returns how many tokens one forward pass takes at most.
    public int batch() {
        return batch;
    }

    private static int widest(IntStream widths) {
        return widths.max().orElse(1);
    }

    private static int keyWidth(AttentionSpec attention) {
        return attention.numKeyValueHeads() * attention.headDim();
    }

    private static int denseWidth(LayerSpec layer) {
        return switch (layer.feedForward()) {
            case DenseSpec dense -> dense.gate().rows();
            case MoeSpec moe ->
                moe.sharedExpert().map(shared -> shared.ffn().gate().rows()).orElse(1);
        };
    }
}
