package io.moetier.runtime.model.spec;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// Gated DeltaNet (Yang et al. 2024): linear attention whose keys correct what the state holds for them.
///
/// With q, k and v = silu(convolution(…·x)), q and k of length 1 in each head and q divided by the root of its size,
/// β = sigmoid(strength·x) and Δ = softplus(step·x + stepBias), the state of a head becomes S = exp(-exp(logRates)·Δ)·S
/// and then S + k⊗β(v - Sᵀk). The result is output·(norm(Sᵀq) ⊙ silu(gate·x)), each head normalised by itself.
///
/// @param query [numKeyHeads · keyDim, hiddenSize]; `key` likewise. Neighbouring heads of values share one of keys
/// @param value [numValueHeads · valueDim, hiddenSize]; `gate` likewise
/// @param strength [numValueHeads, hiddenSize]
/// @param step likewise; its bias is that of the step
/// @param logRates [numValueHeads]
/// @param norm of valueDim elements
public record GatedDeltaSpec(
        LinearSpec query,
        LinearSpec key,
        LinearSpec value,
        LinearSpec gate,
        LinearSpec strength,
        LinearSpec step,
        ConvolutionSpec queryConvolution,
        ConvolutionSpec keyConvolution,
        ConvolutionSpec valueConvolution,
        VectorSpec logRates,
        NormSpec norm,
        LinearSpec output,
        int numKeyHeads)
        implements RecurrentSpec {
    /// Returns how many heads of values there are.
    public int numValueHeads() {
        return step.rows();
    }

    /// Returns the size of a key.
    public int keyDim() {
        return key.rows() / numKeyHeads;
    }

    /// Returns the size of a value.
    public int valueDim() {
        return norm.size();
    }

    @Override
    public List<LinearSpec> linears() {
        return List.of(query, key, value, gate, strength, step, output);
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>();
        Stream.of(queryConvolution, keyConvolution, valueConvolution).forEach(part -> vectors.addAll(part.vectors()));
        vectors.add(logRates);
        vectors.addAll(norm.vectors());
        return vectors;
    }

    /// Queries, keys, values, the gate, the strength, the step and the heads' results.
    @Override
    public List<Integer> intermediates() {
        return List.of(query.rows(), key.rows(), value.rows(), gate.rows(), strength.rows(), step.rows(), value.rows());
    }

    private int state() {
        return Range.product("state of all heads", value.rows(), keyDim(), Range.VECTOR);
    }

    @Override
    public List<Integer> states() {
        return List.of(queryConvolution.state(), keyConvolution.state(), valueConvolution.state(), state());
    }
}
