package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.weight.Mxfp4Slice;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/// Matrices of one shape that follow each other in one tensor.
///
/// @param leading dimensions of the tensor in front of those of a matrix: how many there are, or nothing for a single
///     one
/// @param rows of each matrix
public record Stack(String tensor, List<Long> leading, int rows, int cols) {
    private static final int CODE_BYTES = Mxfp4Slice.BLOCK / 2;

    /// Returns `count` matrices.
    public static Stack of(String tensor, int count, int rows, int cols) {
        return new Stack(tensor, List.of((long) count), rows, cols);
    }

    /// Returns one matrix.
    public static Stack single(String tensor, int rows, int cols) {
        return new Stack(tensor, List.of(), rows, cols);
    }

    /// Returns every `step`-th row of a matrix from `firstRow` on.
    public TensorSlice rows(int matrix, int firstRow, int step) {
        return slice(tensor, shape(rows, cols), cols, matrix, firstRow, step);
    }

    /// Returns the same of matrices that are stored column by column.
    public TensorSlice columns(int matrix, int firstRow, int step) {
        long offset = (long) matrix * rows * cols + firstRow;
        return new TensorSlice(tensor, shape(cols, rows), offset, step, rows, Integer.MAX_VALUE, 0);
    }

    /// Returns the same of matrices in MXFP4: tensors `_blocks` and `_scales`.
    public Mxfp4Slice mxfp4(int matrix, int firstRow, int step) {
        int blocks = cols / Mxfp4Slice.BLOCK;
        return new Mxfp4Slice(
                slice(tensor + "_blocks", shape(rows, blocks, CODE_BYTES), blocks * CODE_BYTES, matrix, firstRow, step),
                slice(tensor + "_scales", shape(rows, blocks), blocks, matrix, firstRow, step));
    }

    /// Returns the biases of these rows: a tensor `_bias`.
    public TensorSlice bias(int matrix, int firstRow, int step) {
        return slice(tensor + "_bias", shape(rows), 1, matrix, firstRow, step);
    }

    private TensorSlice slice(String name, List<Long> shape, int rowLength, int matrix, int firstRow, int step) {
        long offset = ((long) matrix * rows + firstRow) * rowLength;
        return new TensorSlice(name, shape, offset, (long) step * rowLength, 1, Integer.MAX_VALUE, 0);
    }

    private List<Long> shape(long... own) {
        List<Long> shape = new ArrayList<>(leading);
        LongStream.of(own).forEach(shape::add);
        return shape;
    }
}
