package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;

/// Lightning attention (Qin et al. 2024) as in MiniMax-01 (MiniMax 2025): linear attention with a fixed decay.
///
/// With q, k and v = silu(…·x), the state of head h becomes S = exp(-rate(h))·S + k⊗v, and the result is
/// output·(norm(Sᵀq) ⊙ sigmoid(gate·x)), all heads normalised together. Heads forget at rates from 1/2 down to 2^-8 for
/// eight heads, as in ALiBi (Press et al. 2021), the more slowly the later the layer:
/// rate(h) = 2^(-8(h + 1) / numHeads)·(1 - layer / (numLayers - 1 + 1e-5) + 1e-5).
///
/// @param layer number of the layer in the model
/// @param numLayers of the model
public record LightningSpec(
        ProjectionsSpec projections, LinearSpec gate, NormSpec norm, int numHeads, int layer, int numLayers)
        implements RecurrentSpec {
    /// Returns the size of a key and of a value.
    public int headDim() {
        return projections.value().rows() / numHeads;
    }

    @Override
    public List<LinearSpec> linears() {
        return List.of(projections.query(), projections.key(), projections.value(), gate, projections.output());
    }

    @Override
    public List<VectorSpec> vectors() {
        return norm.vectors();
    }

    /// Queries, keys, values, the gate and the heads' results.
    @Override
    public List<Integer> intermediates() {
        return List.of(
                projections.query().rows(),
                projections.key().rows(),
                projections.value().rows(),
                gate.rows(),
                projections.value().rows());
    }

    @Override
    public List<Integer> states() {
        return List.of(Range.product("state of all heads", projections.value().rows(), headDim(), Range.VECTOR));
    }
}
