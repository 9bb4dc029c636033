package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.DenseSpec;

/// How the checkpoints of a family store the experts of a layer.
public interface ExpertStorage {
    /// Describes one expert.
    ///
    /// @param prefix of the names of the mixture's tensors, up to and with the last dot
    DenseSpec expert(String prefix, int expert, int numExperts, int hiddenSize, int width);
}
