package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.DenseSpec;

/// How the checkpoints of a family store the experts of a layer.
public interface ExpertStorage {
    /// Describes one expert.
    ///
    /// @param prefix of the names of the mixture's tensors, up to and with the last dot
    /// @param inputSize elements of what an expert reads, and of what it gives
    DenseSpec expert(String prefix, int expert, int numExperts, int inputSize, int width);
}
