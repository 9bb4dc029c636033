package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.Range;

/// Queries that grow with their position: those at position `p` are multiplied by
/// `1 + scale · ln(1 + floor((p + first) / interval))` (Llama 4, Meta 2025; Nakanishi 2025, arXiv:2501.19399).
///
/// @param interval how many positions have one factor
/// @param first the number of the first position: 1 of Llama 4, 0 of Mistral
public record TemperatureSpec(double scale, double interval, int first) {
    /// @throws IllegalArgumentException if a number is out of range
    public TemperatureSpec {
        Range.requireFinite("scale of the queries' temperature", scale);
        Range.requirePositive("positions of one temperature", interval);
    }

    /// Returns the factor of queries at a position.
    public float factor(int position) {
        return (float) (1 + scale * Math.log1p(Math.floor(((double) position + first) / interval)));
    }
}
