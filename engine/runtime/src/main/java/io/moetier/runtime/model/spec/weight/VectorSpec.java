package io.moetier.runtime.model.spec.weight;

import java.util.Optional;

/// A vector of `size` elements: a bias, or the factors of a norm.
///
/// @param name what it is called, in a store too
/// @param slice where it lies in a checkpoint, if it is not a tensor of that name; rows of one column
public record VectorSpec(String name, int size, Optional<TensorSlice> slice) {
    /// @throws IllegalArgumentException if a number is out of range
    public VectorSpec {
        Range.require(name, size, 1, Range.VECTOR);
    }

    /// Returns a vector that is a tensor of its own.
    public static VectorSpec of(String name, int size) {
        return new VectorSpec(name, size, Optional.empty());
    }
}
