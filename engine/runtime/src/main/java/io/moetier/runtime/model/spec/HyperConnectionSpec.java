package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.StreamShape;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;

/// How several residual streams become the input of a sublayer, and its result comes back into them (Zhu et al. 2024,
/// arXiv:2409.19606; Xie et al. 2025, arXiv:2512.24880): the formula is [StreamShape]'s.
///
/// @param norm of all streams of a token together
/// @param mix [coefficients, streams * hiddenSize]: what coefficients are made of
/// @param scale of the parts of the coefficients
/// @param base `[coefficients]`
/// @param epsilon added to weights, and to what is divided by
/// @param iterations how often the matrix is balanced; 0 where nothing comes back, as in front of the head
public record HyperConnectionSpec(
        NormSpec norm, LinearSpec mix, VectorSpec scale, VectorSpec base, int streams, float epsilon, int iterations) {
    /// @throws IllegalArgumentException if a number is out of range
    public HyperConnectionSpec {
        Range.require("residual streams", streams, 1, StreamShape.MOST_STREAMS);
        Range.require("iterations that balance residual streams", iterations, 0, Range.ROW);
        Range.requireNotNegative("epsilon of hyper-connections", epsilon);
    }

    /// Returns its vectors.
    List<VectorSpec> vectors() {
        return List.of(scale, base);
    }
}
