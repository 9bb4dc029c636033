package io.moetier.runtime.model.pass;

import org.jspecify.annotations.Nullable;

/// What a mixture has just computed for the `n` tokens of a pass. Rows and arrays are the workspace's: they are to be
/// read, and only until the observer returns.
///
/// @param layer of the model
/// @param ofHeads whether it mixes attention heads, instead of feed-forward networks
/// @param firstPosition position of the first token
public record Mixture(int layer, boolean ofHeads, int firstPosition, int n, Gate gate, Parts parts) {
    /// What the router was shown and what it decided.
    ///
    /// @param input `[n, hiddenSize]`
    /// @param logits `[n, choices]`; identities lie behind the experts
    /// @param scores `[n, choices]`, what the router's rule makes of the logits; a sparse mixer's score is what the
    ///     expert would have as the next choice after those of larger logits
    /// @param correction `[choices]`, what is added to scores for the choice only
    /// @param k choices of a token
    /// @param ids `[n, k]`, as [RoutingListener] has them
    /// @param weights `[n, k]`
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    public record Gate(
            Rows input,
            Rows logits,
            float[] scores,
            float @Nullable [] correction,
            int k,
            int[] ids,
            float[] weights) {}

    /// What is summed, in this order: the choices, the bias, the shared expert.
    ///
    /// @param results `[n * k, hiddenSize]`, what the chosen gave; a choice of no expert has nothing in its row
    /// @param weighted whether the weights are in the results already, having multiplied what experts read
    /// @param bias `[hiddenSize]`
    /// @param shared `[n, hiddenSize]`
    /// @param sharedGate `[n, 1]`, the logit whose sigmoid is the shared expert's weight; absent where that is 1
    /// @param sum `[n, hiddenSize]`, what the block gives
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    public record Parts(
            Rows results,
            boolean weighted,
            float @Nullable [] bias,
            @Nullable Rows shared,
            @Nullable Rows sharedGate,
            Rows sum) {}
}
