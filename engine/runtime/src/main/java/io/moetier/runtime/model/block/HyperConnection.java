package io.moetier.runtime.model.block;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.StreamShape;
import io.moetier.runtime.model.pass.StreamBuffers;
import io.moetier.runtime.model.spec.HyperConnectionSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Weights;

/// What connects a sublayer with several residual streams; the formula is [StreamShape]'s.
public final class HyperConnection {
    private final Norm norm;
    private final Linear mix;
    private final StreamShape shape;
    private final int cols; // of a stream

    private HyperConnection(HyperConnectionSpec spec, Weights weights) {
        norm = Norm.load(spec.norm(), weights);
        mix = Linear.load(spec.mix(), weights);
        shape = new StreamShape(
                spec.streams(),
                spec.epsilon(),
                spec.iterations(),
                weights.vector(spec.scale()),
                weights.vector(spec.base()));
        cols = spec.norm().size() / spec.streams();
    }

    public static HyperConnection load(HyperConnectionSpec spec, Weights weights) {
        return new HyperConnection(spec, weights);
    }

    /// Computes the coefficients of `n` tokens, and what is read of their streams `[n, streams, cols]`.
    ///
    /// @param room receives the coefficients
    /// @param out `[n, cols]`
    public void read(Kernels kernels, DeviceBuffer streams, int n, StreamBuffers room, DeviceBuffer out) {
        norm.apply(kernels, streams, n, room.normed());
        mix.apply(kernels, room.normed(), n, room.coefficients());
        kernels.connect(room.coefficients(), n, shape, room.coefficients());
        kernels.readStreams(streams, room.coefficients(), n, shape, cols, out);
    }

    /// Brings results `[n, cols]` back by the coefficients of the last [#read].
    public void write(Kernels kernels, DeviceBuffer results, int n, StreamBuffers room, DeviceBuffer streams) {
        kernels.writeStreams(results, room.coefficients(), n, shape, cols, streams);
    }
}
