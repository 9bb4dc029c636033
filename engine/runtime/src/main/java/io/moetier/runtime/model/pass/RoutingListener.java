package io.moetier.runtime.model.pass;

import io.moetier.storage.model.Tier;

/// Is told what each router of experts in slots chose, after the layer's experts have run. The choices of a mixture of
/// attention heads, whose weights stay in memory, are not told.
@FunctionalInterface
public interface RoutingListener {
    /// Ignores everything.
    RoutingListener NONE = (layer, pass, k, ids, weights, tiers) -> {};

    /// The arrays hold at least `n * k` elements, are the caller's and change after the call.
    ///
    /// @param layer decoder layer
    /// @param pass whose `n` tokens these are; it changes after the call
    /// @param k experts per token
    /// @param ids `[n, k]`, by falling weight; -1 for a choice of no expert, whose weight is 0, and from the
    ///     number of experts on for identities; the tier of both means nothing
    /// @param weights `[n, k]`, the factors applied to the experts' outputs
    /// @param tiers `[n, k]`, where each expert was found
    void onRouting(int layer, Pass pass, int k, int[] ids, float[] weights, Tier[] tiers);
}
