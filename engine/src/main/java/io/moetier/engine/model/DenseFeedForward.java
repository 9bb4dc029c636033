package io.moetier.engine.model;

import io.moetier.engine.device.ExpertBatch;
import io.moetier.engine.device.Kernels;
import io.moetier.engine.model.spec.DenseSpec;
import io.moetier.engine.tensor.WeightMatrix;

/// A SwiGLU MLP (Shazeer 2020) that every token visits: down·(silu(gate·x) ⊙ (up·x)).
final class DenseFeedForward implements Block {
    private final WeightMatrix gate;
    private final WeightMatrix up;
    private final WeightMatrix down;
    private final ExpertBatch batch = new ExpertBatch();

    DenseFeedForward(DenseSpec spec, Weights weights) {
        gate = Linear.load(spec.gate(), weights).weight();
        up = Linear.load(spec.up(), weights).weight();
        down = Linear.load(spec.down(), weights).weight();
    }

    @Override
    public void forward(Kernels kernels, Workspace workspace, KvCache cache) {
        batch.begin(workspace.everyRow, workspace.everyRow);
        addTo(batch, 0, workspace.n);
        kernels.expertFfn(batch, workspace.normed, workspace.sublayer);
    }

    /// Adds this network to a batch, for `n` rows that the batch lists from `from` on.
    void addTo(ExpertBatch experts, int from, int n) {
        experts.add(gate, up, down, from, n);
    }
}
