package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.LinearAttentionShape;
import io.moetier.runtime.model.spec.weight.ConvolutionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// Gated DeltaNet (Yang et al. 2024): linear attention whose keys correct what the state holds for them.
///
/// With q, k and v = silu(convolution(…·x)), q and k of length 1 in each head and q divided by the root of its size,
/// β = sigmoid(strength·x) and Δ = softplus(step·x + stepBias), the state of a head becomes S = exp(-exp(logRates)·Δ)·S
/// and then S + k⊗β(v - Sᵀk). The result is output·(norm(Sᵀq) ⊙ silu(gate·x)), each head normalised by itself.
///
/// @param projections queries and keys [numKeyHeads · keyDim, hiddenSize], values [numValueHeads · valueDim,
/// hiddenSize].
/// @param gate [numValueHeads · valueDim, hiddenSize]
/// @param strength [numValueHeads, hiddenSize]
/// @param convolutions of queries, keys and values
/// @param decay the step `[numValueHeads, hiddenSize]`, the rates `[numValueHeads]`
/// @param norm of valueDim elements
/// @param shape how many heads there are, and which of values share one of keys
public record GatedDeltaSpec(
        ProjectionsSpec projections,
        LinearSpec gate,
        LinearSpec strength,
        List<ConvolutionSpec> convolutions,
        Decay decay,
        NormSpec norm,
        LinearAttentionShape shape)
        implements RecurrentSpec {
    public GatedDeltaSpec {
        convolutions = List.copyOf(convolutions);
    }

    @Override
    public List<LinearSpec> linears() {
        return List.of(
                projections.query(),
                projections.key(),
                projections.value(),
                gate,
                strength,
                decay.step(),
                projections.output());
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>();
        convolutions.forEach(part -> vectors.addAll(part.vectors()));
        vectors.add(decay.logRates());
        vectors.addAll(norm.vectors());
        return vectors;
    }

    /// Queries, keys, values, the gate, the strength, the step and the heads' results.
    @Override
    public List<Integer> intermediates() {
        return List.of(
                projections.query().rows(),
                projections.key().rows(),
                projections.value().rows(),
                gate.rows(),
                strength.rows(),
                decay.step().rows(),
                projections.value().rows());
    }

    private int state() {
        return Range.product("state of all heads", projections.value().rows(), shape.keyDim(), Range.VECTOR);
    }

    @Override
    public List<Integer> states() {
        return Stream.concat(convolutions.stream().map(ConvolutionSpec::state), Stream.of(state()))
                .toList();
    }
}
