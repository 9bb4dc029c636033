package io.moetier.runtime.model.block;

import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.metrics.Section;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.Workspace;

/// A building block of layers with its loaded weights.
public interface Block {
    /// `workspace.sublayer` [n, hiddenSize] from `workspace.normed`.
    ///
    /// @param cache what the session remembers of the positions before
    void forward(Kernels kernels, Workspace workspace, KvCache cache);

    /// Returns what it counts as, up to where it says otherwise itself.
    default Section section() {
        return Section.ATTENTION;
    }
}
