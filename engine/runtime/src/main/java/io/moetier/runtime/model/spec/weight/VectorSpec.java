package io.moetier.runtime.model.spec.weight;

import java.util.List;
import java.util.Optional;

/// A vector of `size` elements: a bias, the factors of a norm, or a table.
///
/// @param name what it is called, in a store too
/// @param slice where it lies in a checkpoint, if it is not a tensor of that name; rows of one column
/// @param whole whether a checkpoint has whole numbers there, which floats stand for exactly
public record VectorSpec(String name, int size, Optional<TensorSlice> slice, boolean whole) {
    /// @throws IllegalArgumentException if a number is out of range
    public VectorSpec {
        Range.require(name, size, 1, Range.VECTOR);
    }

    /// Creates one of floats.
    public VectorSpec(String name, int size, Optional<TensorSlice> slice) {
        this(name, size, slice, false);
    }

    /// Returns a table of whole numbers, row after row.
    public static VectorSpec table(String name, int rows, int cols) {
        List<Long> shape = List.of((long) rows, (long) cols);
        int size = Range.product(name, rows, cols, Range.VECTOR);
        return new VectorSpec(name, size, Optional.of(TensorSlice.rows(name, shape, 0, 1)), true);
    }

    /// Returns a vector that is a tensor of its own.
    public static VectorSpec of(String name, int size) {
        return new VectorSpec(name, size, Optional.empty());
    }
}
