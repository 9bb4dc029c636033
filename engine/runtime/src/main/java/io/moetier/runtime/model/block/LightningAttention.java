package io.moetier.runtime.model.block;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.LinearAttentionShape;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.LightningSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Projections;
import io.moetier.runtime.model.weight.Rates;
import io.moetier.runtime.model.weight.Weights;
import java.util.stream.Stream;

/// Lightning attention (Qin et al. 2024) as in MiniMax-01; the formula is [LightningSpec]'s.
public final class LightningAttention implements Block {
    private static final int QUERY = 0; // of the intermediate results
    private static final int KEY = 1;
    private static final int VALUE = 2;
    private static final int GATE = 3;
    private static final int RESULT = 4;

    private final int number;
    private final int width;
    private final Projections projections;
    private final float[] rates;
    private final LinearAttentionShape shape;
    private final Norm norm;
    private final Linear output;

    /// @param number of the recurrent blocks
    public LightningAttention(int number, LightningSpec spec, Weights weights) {
        this.number = number;
        width = spec.projections().value().rows();
        projections = new Projections(Stream.concat(spec.projections().inputs().stream(), Stream.of(spec.gate()))
                .map(linear -> Linear.load(linear, weights))
                .toList());
        rates = Rates.lightning(spec.numHeads(), spec.layer(), spec.numLayers());
        shape = new LinearAttentionShape(spec.numHeads(), spec.numHeads(), spec.headDim(), spec.headDim(), false);
        norm = Norm.load(spec.norm(), weights);
        output = Linear.load(spec.projections().output(), weights);
    }

    @Override
    public void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        int n = pass.n();
        DeviceBuffer[] results = buffers.intermediates();
        projections.apply(kernels, buffers.in(), n, results);
        kernels.activate(results[QUERY], n * width, Activation.SILU);
        kernels.activate(results[KEY], n * width, Activation.SILU);
        kernels.activate(results[VALUE], n * width, Activation.SILU);
        kernels.linearAttention(
                results[QUERY],
                results[KEY],
                results[VALUE],
                null,
                null,
                rates,
                n,
                shape,
                cache.state(number)[0],
                results[RESULT]);
        norm.apply(kernels, results[RESULT], n, results[RESULT]);
        kernels.activate(results[GATE], n * width, Activation.SIGMOID);
        kernels.multiply(results[RESULT], results[GATE], n * width);
        output.apply(kernels, results[RESULT], n, buffers.out());
    }
}
