package io.moetier.engine.model;

import io.moetier.engine.device.Kernels;
import io.moetier.engine.device.KvLayer;

/// A pre-norm decoder layer: h = x + attention(norm(x)); out = h + feedForward(norm(h)).
record DecoderLayer(Norm attentionNorm, Attention attention, Norm feedForwardNorm, FeedForward feedForward) {
    /// Advances `workspace.hidden` [n, hiddenSize] by this layer.
    void forward(Kernels kernels, Workspace workspace, KvLayer cache) {
        int n = workspace.n;
        int length = n * attentionNorm.size();
        attentionNorm.apply(kernels, workspace.hidden, n, workspace.normed);
        attention.forward(kernels, workspace, cache);
        kernels.add(workspace.hidden, workspace.sublayer, length);
        feedForwardNorm.apply(kernels, workspace.hidden, n, workspace.normed);
        feedForward.forward(kernels, workspace);
        kernels.add(workspace.hidden, workspace.sublayer, length);
    }
}
