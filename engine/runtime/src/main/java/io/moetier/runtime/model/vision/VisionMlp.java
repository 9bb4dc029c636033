package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Weights;

/// down·activation(up·x).
final class VisionMlp {
    private final Linear up;
    private final Activation activation;
    private final Linear down;

    VisionMlp(VisionSpec.Mlp spec, Weights weights) {
        up = Linear.load(spec.up(), weights);
        activation = spec.activation();
        down = Linear.load(spec.down(), weights);
    }

    int inputs() {
        return up.weight().cols();
    }

    int width() {
        return up.weight().rows();
    }

    /// `out` [n, outputs] from `x` [n, inputs]; `wide` has room for [n, width].
    void apply(Kernels kernels, DeviceBuffer x, int n, DeviceBuffer wide, DeviceBuffer out) {
        up.apply(kernels, x, n, wide);
        kernels.activate(wide, Math.multiplyExact(n, width()), activation);
        down.apply(kernels, wide, n, out);
    }
}
