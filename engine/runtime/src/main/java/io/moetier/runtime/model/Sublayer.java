package io.moetier.runtime.model;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.block.Block;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.Workspace;
import io.moetier.runtime.model.spec.ResidualSpec;
import io.moetier.runtime.model.weight.Norm;
import org.jspecify.annotations.Nullable;

/// A block with its norms and its way back into the residual stream.
///
/// @param size of a row of the residual stream
record Sublayer(@Nullable Norm norm, Block block, @Nullable Norm postNorm, ResidualSpec residual, int size) {
    /// Advances `workspace.hidden` [n, hiddenSize] by this sublayer.
    void forward(Kernels kernels, Workspace workspace, KvCache cache) {
        int n = workspace.n;
        workspace.activity.enter(block.section());
        if (norm == null) {
            kernels.copy(workspace.hidden, n * size, workspace.normed);
        } else {
            norm.apply(kernels, workspace.hidden, n, workspace.normed);
        }
        block.forward(kernels, workspace, cache);
        if (postNorm != null) {
            postNorm.apply(kernels, workspace.sublayer, n, workspace.sublayer);
        }
        if (residual.atLayerEnd()) {
            kernels.copy(workspace.sublayer, n * size, workspace.aside);
        } else {
            join(kernels, workspace, workspace.sublayer);
        }
    }

    /// Adds what waited for the end of the layer.
    void finish(Kernels kernels, Workspace workspace) {
        if (residual.atLayerEnd()) {
            join(kernels, workspace, workspace.aside);
        }
    }

    private void join(Kernels kernels, Workspace workspace, DeviceBuffer result) {
        int length = workspace.n * size;
        DeviceBuffer x = residual.ofNormed() ? workspace.normed : workspace.hidden;
        if (!residual.ofNormed() && residual.input() == 1 && residual.output() == 1) {
            kernels.add(workspace.hidden, result, length);
        } else {
            kernels.combine(x, residual.input(), result, residual.output(), length, workspace.hidden);
        }
    }
}
