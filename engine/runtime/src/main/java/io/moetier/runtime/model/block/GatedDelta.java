package io.moetier.runtime.model.block;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.LinearAttentionShape;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.GatedDeltaSpec;
import io.moetier.runtime.model.weight.Convolution;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Projections;
import io.moetier.runtime.model.weight.Rates;
import io.moetier.runtime.model.weight.Weights;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Gated DeltaNet (Yang et al. 2024) as in Qwen3-Next, and Kimi Delta Attention; [GatedDeltaSpec] has the formula.
public final class GatedDelta implements Block {
    private static final int QUERY = 0; // of the intermediate results, and of the state
    private static final int KEY = 1;
    private static final int VALUE = 2;
    private static final int OF_GATE = 3; // it, or what it is made of; of the step likewise
    private static final int STRENGTH = 4;
    private static final int OF_STEP = 5;
    private static final int RESULT = 6;
    private static final int MADE_GATE = 7;
    private static final int MADE_STEP = 8;
    private static final int CONVOLVED = 3; // the first of them
    private static final int HEADS = 3; // of the state

    /// Added to the squares of a query's or key's elements, so that one of zeros stays one.
    private static final float LENGTH_EPS = 1e-6f;

    private final int number;
    private final int width;
    private final Projections projections;
    private final @Nullable Linear gate; // of narrow rows; the step likewise
    private final @Nullable Linear step;
    private final Activation gateActivation;
    private final List<Convolution> convolutions;
    private final int[] convolved; // width of each
    private final float[] rates;
    private final LinearAttentionShape shape;
    private final float[] queryFactors;
    private final float[] keyFactors;
    private final Norm norm;
    private final Linear output;

    /// @param number of the recurrent blocks
    public GatedDelta(int number, GatedDeltaSpec spec, Weights weights) {
        this.number = number;
        width = spec.projections().value().rows();
        projections = new Projections(spec.inputs().stream()
                .map(linear -> Linear.load(linear, weights))
                .toList());
        gate = spec.gate().rank().isPresent() ? Linear.load(spec.gate().linear(), weights) : null;
        step = spec.decay().rank().isPresent() ? Linear.load(spec.decay().step(), weights) : null;
        gateActivation = spec.gate().activation();
        convolutions = spec.convolutions().stream()
                .map(part -> Convolution.load(part, weights))
                .toList();
        convolved = new int[] {
            spec.projections().query().rows(), spec.projections().key().rows(), width
        };
        rates = Rates.load(spec.decay().logRates(), weights);
        shape = spec.shape();
        keyFactors = filled(shape.keyDim(), 1 / Math.sqrt(shape.keyDim()));
        queryFactors = filled(shape.keyDim(), 1.0 / shape.keyDim());
        norm = Norm.load(spec.norm(), weights);
        output = Linear.load(spec.projections().output(), weights);
    }

    private static float[] filled(int length, double value) {
        float[] factors = new float[length];
        Arrays.fill(factors, (float) value);
        return factors;
    }

    @Override
    public void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        int n = pass.n();
        DeviceBuffer[] results = buffers.intermediates();
        DeviceBuffer[] state = cache.state(number);
        int heads = n * shape.numValueHeads();
        projections.apply(kernels, buffers.in(), n, results);
        for (int i = 0; i < CONVOLVED; i++) {
            convolutions.get(i).apply(kernels, results[i], n, state[i]);
            kernels.activate(results[i], n * convolved[i], Activation.SILU);
        }
        toLength(kernels, results[QUERY], n, queryFactors);
        toLength(kernels, results[KEY], n, keyFactors);
        kernels.activate(results[STRENGTH], heads, Activation.SIGMOID);
        DeviceBuffer steps = made(kernels, step, results[OF_STEP], n, results, MADE_STEP);
        kernels.activate(steps, heads * shape.steps(), Activation.SOFTPLUS);
        kernels.linearAttention(
                results[QUERY],
                results[KEY],
                results[VALUE],
                steps,
                results[STRENGTH],
                rates,
                n,
                shape,
                state[HEADS],
                results[RESULT]);
        norm.apply(kernels, results[RESULT], heads, results[RESULT]);
        DeviceBuffer gates = made(kernels, gate, results[OF_GATE], n, results, MADE_GATE);
        kernels.activate(gates, n * width, gateActivation);
        kernels.multiply(results[RESULT], gates, n * width);
        output.apply(kernels, results[RESULT], n, buffers.out());
    }

    /// Returns what a map makes of narrow rows, in the result at `place`; the rows where there is no map.
    private static DeviceBuffer made(
            Kernels kernels, @Nullable Linear map, DeviceBuffer rows, int n, DeviceBuffer[] results, int place) {
        if (map == null) {
            return rows;
        }
        map.apply(kernels, rows, n, results[place]);
        return results[place];
    }

    /// Gives every head the same length: x / sqrt(Σx²) is x / sqrt(mean(x²)) divided by the root of its size.
    private void toLength(Kernels kernels, DeviceBuffer x, int n, float[] factors) {
        int size = shape.keyDim();
        kernels.rmsNorm(x, n * shape.numKeyHeads(), size, factors, LENGTH_EPS / size, x);
    }
}
