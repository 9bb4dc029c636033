package io.moetier.engine.model;

import io.moetier.engine.tensor.WeightMatrix;

/// The weights outside the routed experts, by their checkpoint's names.
public interface Weights {
    /// Returns a matrix.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if there is none of that name and shape
    WeightMatrix matrix(String name, int rows, int cols);

    /// Returns a vector; it is the caller's to keep and nobody's to write.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if there is none of that name and size
    float[] vector(String name, int size);
}
