package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.ConvolutionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// State space duality (Dao and Gu 2024): a state space whose heads decay as one, and so a kind of linear attention.
///
/// With x, B and C = silu(convolution(…·u)) and Δ = softplus(step·u + stepBias), the state of a head becomes
/// H = exp(-exp(logRates)·Δ)·H + Δ·B⊗x, and the result is output·norm((C·H + skip·x) ⊙ silu(gate·u)).
///
/// @param projections x as values [numHeads · headDim, hiddenSize]; B as keys and C as queries
///     [numGroups · stateSize, hiddenSize]. Neighbouring heads share a group
/// @param gate [numHeads · headDim, hiddenSize]
/// @param convolutions of x, B and C
/// @param decay the step [numHeads, hiddenSize], the rates [numHeads]
/// @param skip [numHeads · headDim]
public record Mamba2Spec(
        ProjectionsSpec projections,
        LinearSpec gate,
        List<ConvolutionSpec> convolutions,
        Decay decay,
        VectorSpec skip,
        NormSpec norm,
        int numGroups)
        implements RecurrentSpec {
    public Mamba2Spec {
        convolutions = List.copyOf(convolutions);
    }

    /// Returns x, B and C.
    public List<LinearSpec> inputs() {
        return List.of(projections.value(), projections.key(), projections.query());
    }

    /// Returns how many heads there are.
    public int numHeads() {
        return decay.step().rows();
    }

    /// Returns the values of a head.
    public int headDim() {
        return projections.value().rows() / numHeads();
    }

    /// Returns how often a head remembers them.
    public int stateSize() {
        return projections.key().rows() / numGroups;
    }

    @Override
    public List<LinearSpec> linears() {
        return Stream.concat(inputs().stream(), Stream.of(gate, decay.step(), projections.output()))
                .toList();
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>();
        convolutions.forEach(part -> vectors.addAll(part.vectors()));
        vectors.add(decay.logRates());
        vectors.add(skip);
        vectors.addAll(norm.vectors());
        return vectors;
    }

    /// The input, B, C, the gate, the step and the heads' results.
    @Override
    public List<Integer> intermediates() {
        return Stream.concat(inputs().stream(), Stream.of(gate, decay.step(), projections.value()))
                .map(LinearSpec::rows)
                .toList();
    }

    @Override
    public List<Integer> states() {
        int state = Range.product("state of all heads", projections.value().rows(), stateSize(), Range.VECTOR);
        return Stream.concat(convolutions.stream().map(ConvolutionSpec::state), Stream.of(state))
                .toList();
    }
}
