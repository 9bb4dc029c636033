package io.moetier.engine.model;

import io.moetier.engine.device.DeviceBuffer;
import io.moetier.engine.device.Kernels;
import io.moetier.engine.model.spec.NormSpec;

/// Root mean square normalisation with its loaded weight.
final class Norm {
    private final float[] weight;
    private final float eps;

    private Norm(float[] weight, float eps) {
        this.weight = weight;
        this.eps = eps;
    }

    static Norm load(NormSpec spec, Weights weights) {
        return new Norm(weights.vector(spec.weight(), spec.size()), spec.eps());
    }

    int size() {
        return weight.length;
    }

    /// Normalises each of `rows` rows; `out` may be `x`.
    void apply(Kernels kernels, DeviceBuffer x, int rows, DeviceBuffer out) {
        kernels.rmsNorm(x, rows, weight.length, weight, eps, out);
    }
}
