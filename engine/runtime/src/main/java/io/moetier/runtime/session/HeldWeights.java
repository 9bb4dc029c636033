package io.moetier.runtime.session;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.runtime.model.weight.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/// Weights whose matrices and biases lie where a device reads them, each matrix once, however often it is asked for.
final class HeldWeights implements Weights {
    private final Weights weights;
    private final Device device;
    private final Arena arena;
    private final Map<LinearSpec, WeightMatrix> held = new HashMap<>();

    /// @param arena of the device, owns what is copied
    HeldWeights(Weights weights, Device device, Arena arena) {
        this.weights = weights;
        this.device = device;
        this.arena = arena;
    }

    @Override
    public WeightMatrix matrix(LinearSpec spec) {
        LinearSpec matrix = LinearSpec.of(spec.weight(), spec.rows(), spec.cols());
        return held.computeIfAbsent(matrix, key -> device.hold(weights.matrix(key), arena));
    }

    @Override
    public MemorySegment bias(VectorSpec spec) {
        return device.hold(weights.bias(spec), arena);
    }

    @Override
    public float[] vector(VectorSpec spec) {
        return weights.vector(spec);
    }
}
