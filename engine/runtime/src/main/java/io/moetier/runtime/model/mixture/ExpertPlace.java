package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.ExpertWeights;

/// A place where experts of a layer are computed, some of them together.
interface ExpertPlace {
    /// Adds an expert of the layer to those that are computed next.
    ///
    /// @param weights where this place reads them
    void add(ExpertWeights weights, int expert);

    /// Computes what was added; their slots may be given back then.
    void compute();
}
