package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;

/// A narrower space in which routed experts work (LatentMoE: Elango et al. 2026, arXiv:2601.18089): they read down·x,
/// and up makes the block's result of their weighted sum. The router and a shared expert read x itself.
///
/// @param down [latentSize, hiddenSize]
/// @param up [hiddenSize, latentSize]
public record LatentSpec(LinearSpec down, LinearSpec up) {
    /// Returns the elements of a row of the space.
    public int size() {
        return down.rows();
    }
}
