package io.moetier.runtime.model.weight;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.spec.weight.ConvolutionSpec;
import org.jspecify.annotations.Nullable;

/// A causal convolution of each channel by itself, with its loaded taps.
public final class Convolution {
    private final int channels;
    private final float[] taps;
    private final float @Nullable [] bias;

    private Convolution(int channels, float[] taps, float @Nullable [] bias) {
        this.channels = channels;
        this.taps = taps;
        this.bias = bias;
    }

    public static Convolution load(ConvolutionSpec spec, Weights weights) {
        return new Convolution(
                spec.channels(),
                weights.vector(spec.taps()),
                spec.bias().map(weights::vector).orElse(null));
    }

    /// Convolves `x` [n, channels] in place; `state` holds the tokens before.
    public void apply(Kernels kernels, DeviceBuffer x, int n, DeviceBuffer state) {
        kernels.causalConvolution(x, n, channels, taps, bias, state);
    }
}
