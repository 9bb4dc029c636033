package io.moetier.runtime.model;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.block.Block;
import io.moetier.runtime.model.block.HyperConnection;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.pass.Workspace;
import io.moetier.runtime.model.spec.ResidualSpec;
import io.moetier.runtime.model.spec.ResidualSpec.When;
import io.moetier.runtime.model.weight.Norm;
import org.jspecify.annotations.Nullable;

/// A block with its norms and its way back into the residual stream.
///
/// @param sumNorm of the sum of its result and the one that waits, if one does
/// @param size of a row of the residual stream
/// @param connection with several residual streams, where there are any
record Sublayer(
        @Nullable Norm norm,
        Block block,
        @Nullable Norm postNorm,
        ResidualSpec residual,
        @Nullable Norm sumNorm,
        @Nullable HyperConnection connection,
        int size) {
    /// Advances the residual stream [n, hiddenSize], or several [n, streams, hiddenSize], by this sublayer.
    void forward(Kernels kernels, Pass pass, Workspace workspace, KvCache cache) {
        BlockBuffers buffers = workspace.block();
        int n = pass.n();
        pass.activity().enter(block.section());
        read(kernels, n, workspace, buffers.in());
        block.forward(kernels, pass, buffers, cache);
        if (postNorm != null) {
            postNorm.apply(kernels, buffers.out(), n, buffers.out());
        }
        if (sumNorm != null) {
            kernels.add(buffers.out(), workspace.aside(), n * size);
            sumNorm.apply(kernels, buffers.out(), n, buffers.out());
        }
        if (connection != null) {
            connection.write(kernels, buffers.out(), n, workspace.streams(), workspace.residual());
        } else if (residual.when() != When.NOW) {
            kernels.copy(buffers.out(), n * size, workspace.aside());
        } else {
            join(kernels, n, workspace, buffers.out());
        }
    }

    private void read(Kernels kernels, int n, Workspace workspace, DeviceBuffer in) {
        DeviceBuffer x = workspace.residual();
        if (connection != null) {
            connection.read(kernels, x, n, workspace.streams(), in);
            x = in;
        }
        if (norm != null) {
            norm.apply(kernels, x, n, in);
        } else if (connection == null) {
            kernels.copy(x, n * size, in);
        }
    }

    /// Adds what waited for the end of the layer.
    void finish(Kernels kernels, int n, Workspace workspace) {
        if (residual.when() == When.AT_LAYER_END) {
            join(kernels, n, workspace, workspace.aside());
        }
    }

    private void join(Kernels kernels, int n, Workspace workspace, DeviceBuffer result) {
        int length = n * size;
        DeviceBuffer x = residual.ofNormed() ? workspace.block().in() : workspace.residual();
        if (!residual.ofNormed() && residual.input() == 1 && residual.output() == 1) {
            kernels.add(workspace.residual(), result, length);
        } else {
            kernels.combine(x, residual.input(), result, residual.output(), length, workspace.residual());
        }
    }
}
