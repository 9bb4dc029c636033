package io.moetier.runtime.model.weight;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import org.jspecify.annotations.Nullable;

/// y = W·x + b.
public final class Linear {
    private final WeightMatrix weight;
    private final float @Nullable [] bias;

    private Linear(WeightMatrix weight, float @Nullable [] bias) {
        this.weight = weight;
        this.bias = bias;
    }

    public static Linear load(LinearSpec spec, Weights weights) {
        return new Linear(weights.matrix(spec), spec.bias().map(weights::vector).orElse(null));
    }

    public WeightMatrix weight() {
        return weight;
    }

    public float @Nullable [] bias() {
        return bias;
    }

    /// `out` [n, rows] from `x` [n, cols].
    public void apply(Kernels kernels, DeviceBuffer x, int n, DeviceBuffer out) {
        kernels.matmul(weight, x, n, out);
        addBias(kernels, out, n);
    }

    public void addBias(Kernels kernels, DeviceBuffer out, int n) {
        if (bias != null) {
            kernels.addBias(out, n, weight.rows(), bias);
        }
    }
}
