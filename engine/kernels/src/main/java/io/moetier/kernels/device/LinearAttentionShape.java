package io.moetier.kernels.device;

/// The constants of an attention without softmax, whose keys and values are summed up in one matrix for each head
/// (Katharopoulos et al. 2020).
///
/// @param numKeyHeads heads of queries and keys; value head `h` reads key head `h / (numValueHeads / numKeyHeads)`
/// @param keyDim floats of a query and of a key
/// @param valueDim floats of a value
/// @param delta whether a key replaces what the state holds for it, instead of adding to it (Schlag et al. 2021)
public record LinearAttentionShape(int numKeyHeads, int numValueHeads, int keyDim, int valueDim, boolean delta) {
    /// @throws IllegalArgumentException if a count is not positive or the value heads do not divide evenly among the
    /// key heads
    public LinearAttentionShape {
        if (numKeyHeads <= 0 || numValueHeads <= 0 || numValueHeads % numKeyHeads != 0) {
            throw new IllegalArgumentException(
                    numValueHeads + " value heads cannot share " + numKeyHeads + " key heads");
        }
        if (keyDim <= 0 || valueDim <= 0) {
            throw new IllegalArgumentException("keyDim " + keyDim + ", valueDim " + valueDim);
        }
    }

    /// Returns how many floats the states of all heads take.
    public int stateSize() {
        return numValueHeads * keyDim * valueDim;
    }
}
