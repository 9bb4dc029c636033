package io.moetier.engine.model.spec;

import java.util.Optional;

/// Rotary position embedding (Su et al. 2021), half-split, over the whole head.
public record RopeSpec(double theta, Optional<Yarn> yarn) {
    /// YaRN context extension (Peng et al. 2023).
    ///
    /// @param factor how many times the original context is stretched
    /// @param originalMaxPositions context the model was first trained for
    /// @param attentionFactor factor on cos and sin
    /// @param truncate whether the correction range is rounded to whole dimensions
    public record Yarn(
            double factor,
            int originalMaxPositions,
            double betaFast,
            double betaSlow,
            double attentionFactor,
            boolean truncate) {
        /// Returns how much attention sharpens when the context is stretched `factor` times (equation 22).
        public static double magnitude(double factor, double mscale) {
            return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
        }
    }
}
