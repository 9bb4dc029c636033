package io.moetier.engine.model;

import io.moetier.engine.device.Kernels;

/// The second half of a decoder layer.
sealed interface FeedForward permits DenseFeedForward, MoeBlock {
    /// `workspace.sublayer` [n, hiddenSize] from `workspace.normed`.
    void forward(Kernels kernels, Workspace workspace);
}
