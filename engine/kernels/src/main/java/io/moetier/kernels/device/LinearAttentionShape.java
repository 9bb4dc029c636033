package io.moetier.kernels.device;

/// The constants of an attention without softmax, whose keys and values are summed up in one matrix for each head
/// (Katharopoulos et al. 2020).
///
/// @param numKeyHeads heads of queries and keys
/// @param keyDim floats of a query and of a key
/// @param valueDim floats of a value
/// @param delta whether a key replaces what the state holds for it, instead of adding to it (Schlag et al. 2021)
/// @param inTurns whether value heads take the key heads in turns, instead of neighbours sharing one
/// @param byElement whether each element of a head's key has a step of its own, and so its row of the state a
/// decay of its own (Kimi Team 2025), instead of one for the head
public record LinearAttentionShape(
        int numKeyHeads,
        int numValueHeads,
        int keyDim,
        int valueDim,
        boolean delta,
        boolean inTurns,
        boolean byElement) {
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

    /// Neighbouring value heads share a key head, and each has one step.
    public LinearAttentionShape(int numKeyHeads, int numValueHeads, int keyDim, int valueDim, boolean delta) {
        this(numKeyHeads, numValueHeads, keyDim, valueDim, delta, false);
    }

    /// Each value head has one step.
    public LinearAttentionShape(
            int numKeyHeads, int numValueHeads, int keyDim, int valueDim, boolean delta, boolean inTurns) {
        this(numKeyHeads, numValueHeads, keyDim, valueDim, delta, inTurns, false);
    }

    /// Returns how many value heads that follow each other read the same key head.
    public int neighbours() {
        return inTurns ? 1 : numValueHeads / numKeyHeads;
    }

    /// Returns which key head a value head reads.
    public int keyHead(int valueHead) {
        return valueHead / neighbours() % numKeyHeads;
    }

    /// Returns how many steps a head has.
    public int steps() {
        return byElement ? keyDim : 1;
    }

    /// Returns how many floats the states of all heads take.
    public int stateSize() {
        return numValueHeads * keyDim * valueDim;
    }
}
