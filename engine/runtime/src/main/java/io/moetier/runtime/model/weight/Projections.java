package io.moetier.runtime.model.weight;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.tensor.WeightMatrix;
import java.util.List;

/// Linear maps of one input, computed together.
public final class Projections {
    private final List<Linear> linears;
    private final WeightMatrix[] weights;

    public Projections(List<Linear> linears) {
        this.linears = List.copyOf(linears);
        weights = linears.stream().map(Linear::weight).toArray(WeightMatrix[]::new);
    }

    /// `outs[i]` [n, rows of the i-th map] from `x` [n, cols].
    public void apply(Kernels kernels, DeviceBuffer x, int n, DeviceBuffer[] outs) {
        kernels.matmul(weights, x, n, outs);
        for (int i = 0; i < weights.length; i++) {
            linears.get(i).addBias(kernels, outs[i], n);
        }
    }
}
