package io.moetier.engine.model.spec;

import org.jspecify.annotations.Nullable;

/// A linear map y = W·x + b: the names of `weight` [rows, cols] and, where the family has one, `bias` [rows].
public record LinearSpec(
        String weight, int rows, int cols, @Nullable String bias) {
    /// Returns a linear map without bias.
    public static LinearSpec of(String weight, int rows, int cols) {
        return new LinearSpec(weight, rows, cols, null);
    }

    /// Returns a linear map named as PyTorch names its parts: `prefix.weight` and, if `biased`, `prefix.bias`.
    public static LinearSpec named(String prefix, int rows, int cols, boolean biased) {
        return new LinearSpec(prefix + ".weight", rows, cols, biased ? prefix + ".bias" : null);
    }

    /// Returns the number of parameters.
    public long numParameters() {
        return (long) rows * cols + (bias == null ? 0 : rows);
    }
}
