package io.moetier.engine.model;

import io.moetier.engine.device.Kernels;

/// A building block of layers with its loaded weights.
interface Block {
    /// `workspace.sublayer` [n, hiddenSize] from `workspace.normed`.
    ///
    /// @param cache what the session remembers of the positions before
    void forward(Kernels kernels, Workspace workspace, KvCache cache);
}
