package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.Range;
/// Fixed positions that are added to the embedding (Vaswani et al. 2017, as fairseq lays them out): of `size` elements,
/// the first half are sines, the second half cosines of `position / 10000^(i / (size / 2 - 1))`.
///
/// @param first position of the first token

public record SinusoidSpec(int size, int first) {
    /// @throws IllegalArgumentException if a number is out of range
    public SinusoidSpec {
        Range.require("elements of a position", size, 4, Range.ROW);
        Range.require("first position", first, 0, Range.VECTOR);
    }
}
