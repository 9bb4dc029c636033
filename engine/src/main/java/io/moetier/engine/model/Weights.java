package io.moetier.engine.model;

import io.moetier.engine.model.spec.LinearSpec;
import io.moetier.engine.model.spec.VectorSpec;
import io.moetier.engine.tensor.WeightMatrix;

/// The weights outside the routed experts, by their checkpoint's names.
public interface Weights {
    /// Returns the matrix of a linear map.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if there is none of that name and shape
    WeightMatrix matrix(LinearSpec spec);

    /// Returns a vector; it is the caller's.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if there is none of that name and size
    float[] vector(VectorSpec spec);
}
