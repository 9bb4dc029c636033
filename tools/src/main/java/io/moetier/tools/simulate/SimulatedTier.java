package io.moetier.tools.simulate;

/// The experts of one size class under one policy and one budget.
interface SimulatedTier {
    /// Works through one decision of a layer, `ids[0..n)`, distinct.
    ///
    /// @param weighted whether `weights` are known
    void decide(int[] ids, float[] weights, boolean weighted, int n);

    StepCounts counts();
}
