package io.moetier.kernels.cuda;

import static io.moetier.kernels.cuda.DevicePair.held;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.tensor.WeightMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// An expert in main memory; it has the biases that are not null.
///
/// @param gate of no use to an activation without a gate
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
record HostExpert(
        FfnActivation activation,
        WeightMatrix gate,
        WeightMatrix up,
        WeightMatrix down,
        float @Nullable [] gateBias,
        float @Nullable [] upBias,
        float @Nullable [] downBias) {
    ExpertWeights on(Device device, Arena arena) {
        boolean gated = activation.isGated();
        return new ExpertWeights(
                activation,
                gated ? device.hold(gate, arena) : null,
                device.hold(up, arena),
                device.hold(down, arena),
                gated ? bias(device, arena, gateBias) : null,
                bias(device, arena, upBias),
                bias(device, arena, downBias));
    }

    private static @Nullable MemorySegment bias(Device device, Arena arena, float @Nullable [] floats) {
        return floats == null ? null : held(device, arena, floats);
    }
}
