package io.moetier.runtime.model.block;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.TemperatureSpec;
import org.jspecify.annotations.Nullable;

/// Multiplies queries by the factors of their positions.
final class QueryTemperature {
    private QueryTemperature() {}

    /// @param temperature null where queries stay as they are
    /// @param width of the queries of one position
    static void apply(
            @Nullable TemperatureSpec temperature,
            Kernels kernels,
            Pass pass,
            BlockBuffers buffers,
            DeviceBuffer queries,
            int width) {
        if (temperature != null) {
            float[] factors = buffers.rowFactors();
            for (int i = 0; i < pass.n(); i++) {
                factors[i] = temperature.factor(pass.firstPosition() + i);
            }
            kernels.scaleRows(queries, factors, pass.n(), 1, width, queries);
        }
    }
}
