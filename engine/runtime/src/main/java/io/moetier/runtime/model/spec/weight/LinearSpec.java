package io.moetier.runtime.model.spec.weight;

import java.util.Optional;
import java.util.stream.Stream;

/// A linear map y = W·x + b.
///
/// @param weight what the matrix [rows, cols] is called, in a store too
/// @param bias [rows], where the family has one
/// @param slice where the matrix lies in a checkpoint, if it is not a tensor of that name
public record LinearSpec(String weight, int rows, int cols, Optional<VectorSpec> bias, Optional<MatrixSlice> slice) {
    /// @throws IllegalArgumentException if a number is out of range
    public LinearSpec {
        Range.require(weight + ": rows", rows, 1, Range.ROW);
        Range.require(weight + ": columns", cols, 1, Range.ROW);
    }

    /// Returns a linear map without bias.
    public static LinearSpec of(String weight, int rows, int cols) {
        return new LinearSpec(weight, rows, cols, Optional.empty(), Optional.empty());
    }

    /// Returns a linear map named as PyTorch names its parts: `prefix.weight` and, if `biased`, `prefix.bias`.
    public static LinearSpec named(String prefix, int rows, int cols, boolean biased) {
        LinearSpec linear = of(prefix + ".weight", rows, cols);
        return biased ? linear.withBias(VectorSpec.of(prefix + ".bias", rows)) : linear;
    }

    /// Returns this map with a bias.
    public LinearSpec withBias(VectorSpec newBias) {
        return new LinearSpec(weight, rows, cols, Optional.of(newBias), slice);
    }

    /// Returns this map, its matrix lying elsewhere in a checkpoint.
    public LinearSpec at(MatrixSlice newSlice) {
        return new LinearSpec(weight, rows, cols, bias, Optional.of(newSlice));
    }

    /// Returns the names of tensors that the matrix may lie in: its own, and that of its slice.
    public Stream<String> tensors() {
        return Stream.concat(Stream.of(weight), slice.stream().map(each -> switch (each) {
            case TensorSlice elements -> elements.tensor();
            case Mxfp4Slice blocks -> blocks.codes().tensor();
        }));
    }

    /// Returns the number of parameters.
    public long numParameters() {
        return (long) rows * cols + (bias.isPresent() ? rows : 0);
    }
}
