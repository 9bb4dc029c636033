package io.moetier.lab.simulate;

/// The experts of one size class under one policy and one budget.
interface SimulatedTier {
    /// Works through one decision of a layer, `ids[0..n)`, distinct.
    ///
    /// @param weighted whether `weights` are known
    /// @return how many of them were there
    int decide(int[] ids, float[] weights, boolean weighted, int n);

    /// Works through a decision as [#decide], of which nothing is counted.
    default void warmUp(int[] ids, float[] weights, boolean weighted, int n) {
        int _ = decide(ids, weights, weighted, n);
    }

    /// Returns how many experts the last decision brought in.
    int brought();
}
