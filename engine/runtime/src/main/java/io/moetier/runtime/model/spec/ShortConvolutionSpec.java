package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.ConvolutionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;

/// The gated short convolution of LFM2 (Liquid AI 2025): output·(C ⊙ convolution(B ⊙ x)), where B, C and x are linear
/// in the input.
///
/// @param before B: what the convolution's input is multiplied by
/// @param after C: what its result is multiplied by
public record ShortConvolutionSpec(
        LinearSpec input, LinearSpec before, LinearSpec after, ConvolutionSpec convolution, LinearSpec output)
        implements RecurrentSpec {
    @Override
    public List<LinearSpec> linears() {
        return List.of(input, before, after, output);
    }

    @Override
    public List<VectorSpec> vectors() {
        return convolution.vectors();
    }

    /// The input and its two factors.
    @Override
    public List<Integer> intermediates() {
        return List.of(input.rows(), before.rows(), after.rows());
    }

    @Override
    public List<Integer> states() {
        return List.of(convolution.state());
    }
}
