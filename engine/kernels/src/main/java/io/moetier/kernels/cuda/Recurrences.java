package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.device.CompressedShape;
import io.moetier.kernels.device.LinearAttentionShape;

/// Operations whose tokens follow each other.
final class Recurrences {
    private static final int THREADS = 128;

    private final CudaStream stream;
    private final KernelModules kernels;
    private final ParameterBlock parameter;

    Recurrences(CudaStream stream, KernelModules kernels, ParameterBlock parameter) {
        this.stream = stream;
        this.kernels = kernels;
        this.parameter = parameter;
    }

    /// As [io.moetier.kernels.device.Kernels#causalConvolution].
    void convolve(CudaBuffer x, int n, int channels, int width, long taps, long bias, CudaBuffer state) {
        parameter
                .begin()
                .address(x.address(0))
                .address(taps)
                .address(bias)
                .address(state.address(0))
                .number(n)
                .number(channels)
                .number(width);
        kernels.causalConvolution.launch(stream, blocks(channels), 1, 1, THREADS, parameter);
    }

    /// As [io.moetier.kernels.device.Kernels#selectiveScan].
    void scan(
            CudaBuffer x,
            CudaBuffer step,
            CudaBuffer b,
            CudaBuffer c,
            int n,
            int channels,
            int stateSize,
            long rates,
            CudaBuffer state,
            CudaBuffer out) {
        parameter
                .begin()
                .address(x.address(0))
                .address(step.address(0))
                .address(b.address(0))
                .address(c.address(0))
                .address(rates)
                .address(state.address(0))
                .address(out.address(0))
                .number(n)
                .number(channels)
                .number(stateSize);
        kernels.selectiveScan.launch(stream, blocks(channels), 1, 1, THREADS, parameter);
    }

    /// As [io.moetier.kernels.device.Kernels#linearAttention].
    ///
    /// @param step where the steps are, 0 for none; `strength` likewise
    void attend(
            CudaBuffer q,
            CudaBuffer k,
            CudaBuffer v,
            long step,
            long strength,
            long rates,
            int n,
            LinearAttentionShape shape,
            CudaBuffer state,
            CudaBuffer out) {
        parameter
                .begin()
                .address(q.address(0))
                .address(k.address(0))
                .address(v.address(0))
                .address(step)
                .address(strength)
                .address(rates)
                .address(state.address(0))
                .address(out.address(0))
                .number(n)
                .number(shape.numKeyHeads())
                .number(shape.numValueHeads())
                .number(shape.neighbours())
                .number(shape.keyDim())
                .number(shape.valueDim())
                .flag(shape.delta())
                .number(shape.steps());
        kernels.linearAttention.launch(stream, blocks(shape.valueDim()), shape.numValueHeads(), 1, THREADS, parameter);
    }

    /// As [io.moetier.kernels.device.Kernels#compress].
    void compress(
            CudaBuffer values,
            CudaBuffer gates,
            long places,
            int n,
            int firstPosition,
            CompressedShape.Pooling shape,
            CudaBuffer state,
            CudaBuffer out) {
        parameter
                .begin()
                .address(values.address(0))
                .address(gates.address(0))
                .address(places)
                .address(state.address(0))
                .address(out.address(0))
                .number(n)
                .number(firstPosition)
                .number(shape.dim())
                .number(shape.rate())
                .flag(shape.overlaps());
        kernels.compress.launch(stream, blocks(shape.dim()), 1, 1, THREADS, parameter);
    }

    private static int blocks(int channels) {
        return (channels + THREADS - 1) / THREADS;
    }
}
