package io.moetier.runtime.model.weight;

import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.lang.foreign.MemorySegment;

/// The weights outside the routed experts, by their checkpoint's names.
public interface Weights {
    /// Returns the matrix of a linear map.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if there is none of that name and shape
    WeightMatrix matrix(LinearSpec spec);

    /// Returns a vector where kernels read it, float32; it lives as long as the matrices.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if there is none of that name and size
    MemorySegment bias(VectorSpec spec);

    /// Returns a vector; it is the caller's.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if there is none of that name and size
    float[] vector(VectorSpec spec);
}
