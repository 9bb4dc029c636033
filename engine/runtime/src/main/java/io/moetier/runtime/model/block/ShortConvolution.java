package io.moetier.runtime.model.block;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.ShortConvolutionSpec;
import io.moetier.runtime.model.weight.Convolution;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Projections;
import io.moetier.runtime.model.weight.Weights;
import java.util.List;

/// The gated short convolution of LFM2 (Liquid AI 2025); the formula is [ShortConvolutionSpec]'s.
public final class ShortConvolution implements Block {
    private static final int INPUT = 0; // of the intermediate results
    private static final int BEFORE = 1;
    private static final int AFTER = 2;

    private final int number;
    private final int width;
    private final Projections projections;
    private final Convolution convolution;
    private final Linear output;

    /// @param number of the recurrent blocks
    public ShortConvolution(int number, ShortConvolutionSpec spec, Weights weights) {
        this.number = number;
        width = spec.input().rows();
        projections = new Projections(List.of(
                Linear.load(spec.input(), weights),
                Linear.load(spec.before(), weights),
                Linear.load(spec.after(), weights)));
        convolution = Convolution.load(spec.convolution(), weights);
        output = Linear.load(spec.output(), weights);
    }

    @Override
    public void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        int n = pass.n();
        DeviceBuffer[] results = buffers.intermediates();
        projections.apply(kernels, buffers.in(), n, results);
        kernels.multiply(results[INPUT], results[BEFORE], n * width);
        convolution.apply(kernels, results[INPUT], n, cache.state(number)[0]);
        kernels.multiply(results[INPUT], results[AFTER], n * width);
        output.apply(kernels, results[INPUT], n, buffers.out());
    }
}
