package io.moetier.runtime.model.block;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.MambaSpec;
import io.moetier.runtime.model.weight.Convolution;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Projections;
import io.moetier.runtime.model.weight.Rates;
import io.moetier.runtime.model.weight.Weights;
import java.util.List;

/// A selective state space (Gu and Dao 2023) as in Jamba (Lieber et al. 2024); the formula is [MambaSpec]'s.
public final class Mamba implements Block {
    private static final int INPUT = 0; // of the intermediate results
    private static final int GATE = 1;
    private static final int RANK = 2;
    private static final int B = 3;
    private static final int C = 4;
    private static final int STEP = 5;
    private static final int RESULT = 6;
    private static final int TAIL = 0; // of the state
    private static final int CHANNELS = 1;

    private final int number;
    private final int channels;
    private final Projections inputAndGate;
    private final Convolution convolution;
    private final Linear rank;
    private final Linear b;
    private final Linear c;
    private final Norm rankNorm;
    private final Norm bNorm;
    private final Norm cNorm;
    private final Linear step;
    private final float[] rates;
    private final float[] skip;
    private final Linear output;

    /// @param number of the recurrent blocks
    public Mamba(int number, MambaSpec spec, Weights weights) {
        this.number = number;
        channels = spec.input().rows();
        inputAndGate = new Projections(List.of(Linear.load(spec.input(), weights), Linear.load(spec.gate(), weights)));
        convolution = Convolution.load(spec.convolution(), weights);
        rank = Linear.load(spec.selections().rank().linear(), weights);
        b = Linear.load(spec.selections().b().linear(), weights);
        c = Linear.load(spec.selections().c().linear(), weights);
        rankNorm = Norm.load(spec.selections().rank().norm(), weights);
        bNorm = Norm.load(spec.selections().b().norm(), weights);
        cNorm = Norm.load(spec.selections().c().norm(), weights);
        step = Linear.load(spec.decay().step(), weights);
        rates = Rates.load(spec.decay().logRates(), weights);
        skip = weights.vector(spec.skip());
        output = Linear.load(spec.output(), weights);
    }

    @Override
    public void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        int n = pass.n();
        DeviceBuffer[] results = buffers.intermediates();
        DeviceBuffer[] state = cache.state(number);
        inputAndGate.apply(kernels, buffers.in(), n, results);
        convolution.apply(kernels, results[INPUT], n, state[TAIL]);
        kernels.activate(results[INPUT], n * channels, Activation.SILU);
        select(kernels, results, n);
        kernels.selectiveScan(
                results[INPUT],
                results[STEP],
                results[B],
                results[C],
                n,
                channels,
                rates,
                state[CHANNELS],
                results[RESULT]);
        kernels.addScaled(results[INPUT], n, channels, skip, results[RESULT]);
        kernels.activate(results[GATE], n * channels, Activation.SILU);
        kernels.multiply(results[RESULT], results[GATE], n * channels);
        output.apply(kernels, results[RESULT], n, buffers.out());
    }

    /// Computes from the input what is written, what is read, and how far a token moves the state.
    private void select(Kernels kernels, DeviceBuffer[] results, int n) {
        select(kernels, rank, rankNorm, results, n, RANK);
        select(kernels, b, bNorm, results, n, B);
        select(kernels, c, cNorm, results, n, C);
        step.apply(kernels, results[RANK], n, results[STEP]);
        kernels.activate(results[STEP], n * channels, Activation.SOFTPLUS);
    }

    private static void select(Kernels kernels, Linear linear, Norm norm, DeviceBuffer[] results, int n, int to) {
        linear.apply(kernels, results[INPUT], n, results[to]);
        norm.apply(kernels, results[to], n, results[to]);
    }
}
