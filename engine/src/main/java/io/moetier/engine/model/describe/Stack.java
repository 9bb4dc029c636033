package io.moetier.engine.model.describe;

import io.moetier.engine.model.spec.TensorSlice;
import java.util.List;

/// Matrices of one shape that follow each other in one tensor.
///
/// @param shape of the tensor
/// @param rows of each matrix
/// @param inputsFirst whether each is stored column by column
public record Stack(String tensor, List<Long> shape, int rows, int cols, boolean inputsFirst) {
    /// Returns `count` matrices in a tensor of three dimensions.
    public static Stack of(String tensor, int count, int rows, int cols, boolean inputsFirst) {
        List<Long> shape = inputsFirst
                ? List.of((long) count, (long) cols, (long) rows)
                : List.of((long) count, (long) rows, (long) cols);
        return new Stack(tensor, shape, rows, cols, inputsFirst);
    }

    /// Returns `count` matrices one above the other in a tensor of two dimensions.
    public static Stack flat(String tensor, int count, int rows, int cols, boolean inputsFirst) {
        List<Long> shape =
                inputsFirst ? List.of((long) count * cols, (long) rows) : List.of((long) count * rows, (long) cols);
        return new Stack(tensor, shape, rows, cols, inputsFirst);
    }

    /// Returns one matrix.
    public static Stack single(String tensor, int rows, int cols, boolean inputsFirst) {
        return flat(tensor, 1, rows, cols, inputsFirst);
    }

    /// Returns every `step`-th row of a matrix from `firstRow` on.
    public TensorSlice rows(int matrix, int firstRow, int step) {
        long start = (long) matrix * rows * cols;
        return inputsFirst
                ? new TensorSlice(tensor, shape, start + firstRow, step, rows, Integer.MAX_VALUE, 0)
                : new TensorSlice(
                        tensor, shape, start + (long) firstRow * cols, (long) step * cols, 1, Integer.MAX_VALUE, 0);
    }
}
