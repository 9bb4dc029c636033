package io.moetier.runtime.model.spec;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// State space duality (Dao and Gu 2024): a state space whose heads decay as one, and so a kind of linear attention.
///
/// With x, B and C = silu(convolution(…·u)) and Δ = softplus(step·u + stepBias), the state of a head becomes
/// H = exp(-exp(logRates)·Δ)·H + Δ·B⊗x, and the result is output·norm((C·H + skip·x) ⊙ silu(gate·u)).
///
/// @param input x: [numHeads · headDim, hiddenSize]
/// @param b [numGroups · stateSize, hiddenSize]; `c` likewise. Neighbouring heads share a group
/// @param step [numHeads, hiddenSize]; its bias is that of the step
/// @param logRates [numHeads]
/// @param skip [numHeads · headDim]
public record Mamba2Spec(
        LinearSpec input,
        LinearSpec b,
        LinearSpec c,
        LinearSpec gate,
        LinearSpec step,
        ConvolutionSpec inputConvolution,
        ConvolutionSpec bConvolution,
        ConvolutionSpec cConvolution,
        VectorSpec logRates,
        VectorSpec skip,
        NormSpec norm,
        LinearSpec output,
        int numGroups)
        implements RecurrentSpec {
    /// Returns how many heads there are.
    public int numHeads() {
        return step.rows();
    }

    /// Returns the values of a head.
    public int headDim() {
        return input.rows() / numHeads();
    }

    /// Returns how often a head remembers them.
    public int stateSize() {
        return b.rows() / numGroups;
    }

    @Override
    public List<LinearSpec> linears() {
        return List.of(input, b, c, gate, step, output);
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>();
        Stream.of(inputConvolution, bConvolution, cConvolution).forEach(part -> vectors.addAll(part.vectors()));
        vectors.add(logRates);
        vectors.add(skip);
        vectors.addAll(norm.vectors());
        return vectors;
    }

    /// The input, B, C, the gate, the step and the heads' results.
    @Override
    public List<Integer> intermediates() {
        return List.of(input.rows(), b.rows(), c.rows(), gate.rows(), step.rows(), input.rows());
    }

    @Override
    public List<Integer> states() {
        return List.of(
                inputConvolution.state(),
                bConvolution.state(),
                cConvolution.state(),
                Range.product("state of all heads", input.rows(), stateSize(), Range.VECTOR));
    }
}
