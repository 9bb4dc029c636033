package io.moetier;

/// Is told which experts each layer chose for which tokens. The thread that answers calls, after the layer has run.
@FunctionalInterface
public interface RoutingObserver {
    /// The arrays hold at least `numTokens * expertsPerToken` elements, are the caller's and change after the call.
    ///
    /// @param firstPosition position of the first of the tokens in the conversation
    /// @param ids `[numTokens, expertsPerToken]`, by falling weight; -1 for a choice of no expert
    /// @param weights of the same shape, the factors applied to the experts' outputs
    void onRouting(int layer, int firstPosition, int numTokens, int expertsPerToken, int[] ids, float[] weights);
}
