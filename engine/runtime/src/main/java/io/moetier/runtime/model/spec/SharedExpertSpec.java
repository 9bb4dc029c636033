package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import java.util.Optional;

/// An expert that every token visits, beside those it is routed to.
///
/// @param gate [1, hiddenSize]: the result is weighted by sigmoid(gate·x) (Qwen1.5-MoE); absent where it is added as
///     it is (DeepSeekMoE)
public record SharedExpertSpec(DenseSpec ffn, Optional<LinearSpec> gate) {}
