package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Weights;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Linear maps, one behind the other, with a function between them, and perhaps a gate.
final class VisionMlp {
    private final List<Linear> linears;
    private final Activation between;
    private final @Nullable Linear factors;

    VisionMlp(VisionSpec.Mlp spec, Weights weights) {
        linears = spec.linears().stream()
                .map(linear -> Linear.load(linear, weights))
                .toList();
        between = spec.between();
        factors = spec.factors().map(linear -> Linear.load(linear, weights)).orElse(null);
    }

    /// Returns the most floats of an intermediate result for one row in one of the two buffers that they lie in by
    /// turns.
    ///
    /// @param turn 0 or 1
    int width(int turn) {
        int ofMaps = IntStream.range(0, linears.size() - 1)
                .filter(i -> i % 2 == turn)
                .map(i -> linears.get(i).weight().rows())
                .max()
                .orElse(0);
        return factors == null || turn == 0
                ? ofMaps
                : Math.max(ofMaps, factors.weight().rows());
    }

    /// `out` [n, outputs] from `x` [n, inputs].
    ///
    /// @param one has room for [n, width(0)], and `other` for [n, width(1)]
    void apply(Kernels kernels, DeviceBuffer x, int n, DeviceBuffer one, DeviceBuffer other, DeviceBuffer out) {
        DeviceBuffer from = x;
        for (int i = 0; i < linears.size() - 1; i++) {
            DeviceBuffer to = i % 2 == 0 ? one : other;
            linears.get(i).apply(kernels, from, n, to);
            int length = Math.multiplyExact(n, linears.get(i).weight().rows());
            kernels.activate(to, length, between);
            if (i == 0 && factors != null) {
                factors.apply(kernels, x, n, other);
                kernels.multiply(to, other, length);
            }
            from = to;
        }
        linears.getLast().apply(kernels, from, n, out);
    }
}
