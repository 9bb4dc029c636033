package io.moetier.kernels.device;

/// The constants of attention without a cache of its own.
///
/// @param numHeads heads of queries, keys and values
/// @param headDim floats of one head
/// @param scale what the scores are multiplied by
/// @param causal whether a query sees no key after its position
/// @param biasReach distances from `-biasReach` to `biasReach` have a bias of their own; farther ones that of the
///     nearest of these
public record SequenceShape(int numHeads, int headDim, float scale, boolean causal, int biasReach) {
    /// @throws IllegalArgumentException if a count is not positive, or the reach is negative
    public SequenceShape {
        if (numHeads <= 0 || headDim <= 0 || biasReach < 0) {
            throw new IllegalArgumentException(
                    "numHeads " + numHeads + ", headDim " + headDim + ", biasReach " + biasReach);
        }
    }
}
