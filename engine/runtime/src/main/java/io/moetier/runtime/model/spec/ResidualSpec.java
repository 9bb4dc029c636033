package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.Range;
/// How a sublayer's result joins the residual stream: `input · x + output · result`.
///
/// @param ofNormed whether `x` is what the sublayer's norm gave, instead of the residual stream in front of it
/// @param when the result joins

public record ResidualSpec(float input, float output, boolean ofNormed, When when) {
    /// When a result joins the residual stream; sublayers between do not see one that waits.
    public enum When {
        /// At once.
        NOW,
        /// With the result of the next sublayer, as a part of it ([SublayerSpec#sumNorm]).
        WITH_NEXT,
        /// At the end of the layer.
        AT_LAYER_END
    }

    /// @throws IllegalArgumentException if a number is out of range
    public ResidualSpec {
        Range.requireFinite("factor on the residual stream", input);
        Range.requireFinite("factor on a sublayer's result", output);
    }

    /// The plain sum (He et al. 2016).
    public static final ResidualSpec SUM = new ResidualSpec(1, 1, false, When.NOW);

    /// The plain sum at the end of the layer.
    public static final ResidualSpec AT_LAYER_END = new ResidualSpec(1, 1, false, When.AT_LAYER_END);

    /// The next sublayer adds it to its own result.
    public static final ResidualSpec WITH_NEXT = new ResidualSpec(1, 1, false, When.WITH_NEXT);

    /// Returns the sum with a share of the result taken away, as training did at random.
    public static ResidualSpec keeping(float dropped) {
        return scaled(1 - dropped);
    }

    /// Returns the sum with the result multiplied.
    public static ResidualSpec scaled(float output) {
        return new ResidualSpec(1, output, false, When.NOW);
    }
}
