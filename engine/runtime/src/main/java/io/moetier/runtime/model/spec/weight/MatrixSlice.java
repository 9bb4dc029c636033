package io.moetier.runtime.model.spec.weight;

/// Where a matrix lies in a checkpoint, if it is not a tensor of its own.
public sealed interface MatrixSlice permits TensorSlice, Mxfp4Slice {
    /// Says whether the elements of a column lie closer together than those of a row.
    boolean isTransposed();
}
