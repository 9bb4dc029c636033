package io.moetier.runtime.model.spec.weight;

/// A matrix in the microscaling format MXFP4 (Rouhani et al. 2023, arXiv:2310.10537), its codes and exponents in two
/// tensors of bytes: for each 32 elements of a row sixteen bytes, of which byte `j` has element `2j` in its lower half
/// and `2j + 1` in its upper half, and one exponent.
///
/// @param codes `[rows, cols / 2]`, the columns next to each other
/// @param exponents `[rows, cols / 32]`, likewise
public record Mxfp4Slice(TensorSlice codes, TensorSlice exponents) implements MatrixSlice {
    /// How many elements have one exponent.
    public static final int BLOCK = 32;

    @Override
    public boolean isTransposed() {
        return false;
    }
}
