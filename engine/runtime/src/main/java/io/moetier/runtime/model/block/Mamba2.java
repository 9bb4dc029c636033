package io.moetier.runtime.model.block;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.LinearAttentionShape;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.Mamba2Spec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.weight.Convolution;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Projections;
import io.moetier.runtime.model.weight.Rates;
import io.moetier.runtime.model.weight.Weights;
import java.util.List;
import java.util.stream.Stream;

/// State space duality (Dao and Gu 2024); the formula is [Mamba2Spec]'s. As linear attention, C is the query, B the key
/// and x the value.
public final class Mamba2 implements Block {
    private static final int INPUT = 0; // of the intermediate results, and of the state
    private static final int B = 1;
    private static final int C = 2;
    private static final int GATE = 3;
    private static final int STEP = 4;
    private static final int RESULT = 5;
    private static final int CONVOLVED = 3; // the first of them
    private static final int HEADS = 3; // of the state

    private final int number;
    private final int width;
    private final Projections projections;
    private final List<Convolution> convolutions;
    private final int[] convolved; // width of each
    private final float[] rates;
    private final float[] skip;
    private final LinearAttentionShape shape;
    private final Norm norm;
    private final int normalised; // parts of a row
    private final Linear output;

    /// @param number of the recurrent blocks
    public Mamba2(int number, Mamba2Spec spec, Weights weights) {
        this.number = number;
        width = spec.projections().value().rows();
        projections = new Projections(Stream.concat(
                        spec.inputs().stream(),
                        Stream.of(spec.gate(), spec.decay().step()))
                .map(linear -> Linear.load(linear, weights))
                .toList());
        convolutions = spec.convolutions().stream()
                .map(part -> Convolution.load(part, weights))
                .toList();
        convolved = spec.inputs().stream().mapToInt(LinearSpec::rows).toArray();
        rates = Rates.load(spec.decay().logRates(), weights);
        skip = weights.vector(spec.skip());
        shape = new LinearAttentionShape(spec.numGroups(), spec.numHeads(), spec.stateSize(), spec.headDim(), false);
        norm = Norm.load(spec.norm(), weights);
        normalised = spec.norm().numRows();
        output = Linear.load(spec.projections().output(), weights);
    }

    @Override
    public void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        int n = pass.n();
        DeviceBuffer[] results = buffers.intermediates();
        DeviceBuffer[] state = cache.state(number);
        projections.apply(kernels, buffers.in(), n, results);
        for (int i = 0; i < CONVOLVED; i++) {
            convolutions.get(i).apply(kernels, results[i], n, state[i]);
            kernels.activate(results[i], n * convolved[i], Activation.SILU);
        }
        kernels.activate(results[STEP], n * shape.numValueHeads(), Activation.SOFTPLUS);
        kernels.linearAttention(
                results[C],
                results[B],
                results[INPUT],
                results[STEP],
                results[STEP],
                rates,
                n,
                shape,
                state[HEADS],
                results[RESULT]);
        kernels.addScaled(results[INPUT], n, width, skip, results[RESULT]);
        kernels.activate(results[GATE], n * width, Activation.SILU);
        kernels.multiply(results[RESULT], results[GATE], n * width);
        norm.apply(kernels, results[RESULT], n * normalised, results[GATE]);
        output.apply(kernels, results[GATE], n, buffers.out());
    }
}
