package io.moetier.runtime.model.spec.weight;

import java.util.List;

/// A matrix inside a tensor of a checkpoint that holds several, or holds it in another order.
///
/// Element (r, c) of the matrix is element
/// `offset + r / groupRows * groupStride + r % groupRows * rowStride + c * colStride` of the tensor, counted row-major.
///
/// @param tensor name of the tensor
/// @param shape what its shape has to be
/// @param groupRows rows that follow each other at `rowStride`; such groups follow each other at `groupStride`
public record TensorSlice(
        String tensor, List<Long> shape, long offset, long rowStride, long colStride, int groupRows, long groupStride)
        implements MatrixSlice {
    public TensorSlice {
        shape = List.copyOf(shape);
    }

    /// Returns whole rows of `cols` elements from element `offset` on.
    public static TensorSlice rows(String tensor, List<Long> shape, long offset, int cols) {
        return new TensorSlice(tensor, shape, offset, cols, 1, Integer.MAX_VALUE, 0);
    }

    /// Returns a matrix that is stored with its input index first, `rows` being the outputs of one input.
    public static TensorSlice transposed(String tensor, List<Long> shape, long offset, int rows) {
        return new TensorSlice(tensor, shape, offset, 1, rows, Integer.MAX_VALUE, 0);
    }

    /// Returns the same rows at the beginning of a matrix that has more of them.
    public TensorSlice within(long rows, long cols) {
        return new TensorSlice(tensor, List.of(rows, cols), offset, rowStride, colStride, groupRows, groupStride);
    }

    @Override
    public boolean isTransposed() {
        return rowStride < colStride;
    }

    /// Says whether each row of the matrix is a row of the tensor, so that it can be of any type.
    public boolean isOfWholeRows() {
        long cols = shape.getLast();
        return colStride == 1 && rowStride == cols && offset % cols == 0 && groupStride % cols == 0;
    }

    /// Returns a slice [of whole rows][#isOfWholeRows] counted in blocks of so many elements.
    public TensorSlice ofBlocks(int elements) {
        return new TensorSlice(
                tensor, shape, offset / elements, rowStride / elements, colStride, groupRows, groupStride / elements);
    }

    /// Returns the index of element (r, c).
    public long index(long row, long col) {
        return offset + row / groupRows * groupStride + row % groupRows * rowStride + col * colStride;
    }
}
