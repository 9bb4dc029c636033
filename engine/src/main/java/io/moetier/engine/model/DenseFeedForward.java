package io.moetier.engine.model;

import io.moetier.engine.device.DeviceBuffer;
import io.moetier.engine.device.Kernels;
import io.moetier.engine.model.spec.DenseSpec;

/// A SwiGLU MLP (Shazeer 2020): down·(silu(gate·x) ⊙ (up·x)).
record DenseFeedForward(Linear gate, Linear up, Linear down) implements FeedForward {
    static DenseFeedForward load(DenseSpec spec, Weights weights) {
        return new DenseFeedForward(
                Linear.load(spec.gate(), weights), Linear.load(spec.up(), weights), Linear.load(spec.down(), weights));
    }

    @Override
    public void forward(Kernels kernels, Workspace workspace) {
        apply(kernels, workspace, workspace.sublayer);
    }

    void apply(Kernels kernels, Workspace workspace, DeviceBuffer out) {
        int n = workspace.n;
        gate.apply(kernels, workspace.normed, n, workspace.ffnGate);
        up.apply(kernels, workspace.normed, n, workspace.ffnUp);
        kernels.swiGlu(workspace.ffnGate, workspace.ffnUp, n * gate.weight().rows());
        down.apply(kernels, workspace.ffnGate, n, out);
    }
}
