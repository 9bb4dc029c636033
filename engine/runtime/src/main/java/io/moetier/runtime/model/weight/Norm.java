package io.moetier.runtime.model.weight;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.spec.weight.NormSpec;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Normalisation with its loaded factors.
public final class Norm {
    private final boolean centred;
    private final float[] weight; // of one row
    private final float @Nullable [] inTurns; // of several
    private final float @Nullable [] bias;
    private final float eps;

    private Norm(NormSpec spec, float[] weight, float @Nullable [] bias) {
        this.centred = spec.kind() == NormSpec.Kind.LAYER;
        inTurns = spec.numRows() > 1 ? weight : null;
        this.weight = inTurns == null ? weight : ones(spec.size());
        this.bias = bias;
        this.eps = spec.eps();
    }

    public static Norm load(NormSpec spec, Weights weights) {
        float[] factors = spec.weight().map(weights::vector).orElseGet(() -> ones(spec.size()));
        if (spec.kind() == NormSpec.Kind.ZERO_CENTRED_RMS) {
            for (int i = 0; i < factors.length; i++) {
                factors[i]++;
            }
        }
        if (spec.factor() != 1) {
            for (int i = 0; i < factors.length; i++) {
                factors[i] *= spec.factor();
            }
        }
        return new Norm(spec, factors, spec.bias().map(weights::vector).orElse(null));
    }

    /// Returns how many elements are normalised together.
    public int size() {
        return weight.length;
    }

    /// Normalises each of `rows` rows. `out` may be `x` unless rows take turns; then `x` is changed, too.
    public void apply(Kernels kernels, DeviceBuffer x, int rows, DeviceBuffer out) {
        if (inTurns != null) {
            kernels.rmsNorm(x, rows, weight.length, weight, eps, x);
            kernels.clear(out, rows * weight.length);
            kernels.addScaled(x, rows * weight.length / inTurns.length, inTurns.length, inTurns, out);
        } else if (centred) {
            kernels.layerNorm(x, rows, weight.length, weight, bias, eps, out);
        } else {
            kernels.rmsNorm(x, rows, weight.length, weight, eps, out);
        }
    }

    private static float[] ones(int size) {
        float[] ones = new float[size];
        Arrays.fill(ones, 1f);
        return ones;
    }
}
