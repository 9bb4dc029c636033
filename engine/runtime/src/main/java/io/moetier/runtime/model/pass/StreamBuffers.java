package io.moetier.runtime.model.pass;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.runtime.model.spec.ModelSpec;

/// What stands between several residual streams and a sublayer.
///
/// @param normed `[batch, streams * hiddenSize]`: the streams after their norm
/// @param coefficients `[batch, …]`
public record StreamBuffers(DeviceBuffer normed, DeviceBuffer coefficients) {
    static StreamBuffers of(ModelSpec spec, int batch, Workspace.Allocator floats) {
        boolean any = spec.connections().findAny().isPresent();
        int width = Workspace.widest(
                spec.connections().mapToInt(connection -> connection.mix().rows()));
        return new StreamBuffers(
                floats.of(any ? batch : 0, spec.numStreams() * spec.hiddenSize()), floats.of(any ? batch : 0, width));
    }

    long floats() {
        return (long) normed.length() + coefficients.length();
    }
}
