package io.moetier.runtime.model;

import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.pass.Workspace;
import java.util.List;

/// A layer: sublayers that follow each other.
///
/// @param factor on its result
record DecoderLayer(List<Sublayer> sublayers, float factor) {
    DecoderLayer {
        sublayers = List.copyOf(sublayers);
    }

    /// Advances the residual stream [n, hiddenSize] by this layer.
    void forward(Kernels kernels, Pass pass, Workspace workspace, KvCache cache) {
        for (int i = 0; i < sublayers.size(); i++) {
            sublayers.get(i).forward(kernels, pass, workspace, cache);
        }
        for (int i = 0; i < sublayers.size(); i++) {
            sublayers.get(i).finish(kernels, pass.n(), workspace);
        }
        if (factor != 1) {
            kernels.scale(workspace.residual(), pass.n() * sublayers.getFirst().size(), factor);
        }
    }
}
