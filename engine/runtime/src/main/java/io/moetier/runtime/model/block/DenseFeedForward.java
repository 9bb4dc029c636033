package io.moetier.runtime.model.block;

import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.metrics.Section;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.weight.Weights;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// An MLP that every token visits.
public final class DenseFeedForward implements Block {
    private final ExpertWeights network;
    private final ExpertBatch batch = new ExpertBatch();

    public DenseFeedForward(DenseSpec spec, Weights weights) {
        network = new ExpertWeights(
                spec.activation(),
                spec.gate().map(weights::matrix).orElse(null),
                weights.matrix(spec.up()),
                weights.matrix(spec.down()),
                spec.gate().map(gate -> bias(gate, weights)).orElse(null),
                bias(spec.up(), weights),
                bias(spec.down(), weights));
    }

    private static @Nullable MemorySegment bias(LinearSpec linear, Weights weights) {
        return linear.bias().map(weights::bias).orElse(null);
    }

    @Override
    public void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        batch.begin(buffers.everyRow(), buffers.everyRow(), pass.n());
        addTo(batch, 0, pass.n());
        kernels.expertFfn(batch, buffers.in(), buffers.out());
    }

    @Override
    public Section section() {
        return Section.FEED_FORWARD;
    }

    /// Adds this network to a batch, for `n` rows that the batch lists from `from` on.
    public void addTo(ExpertBatch experts, int from, int n) {
        experts.add(network, from, n);
    }
}
