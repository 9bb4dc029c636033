package io.moetier.runtime.model.spec;

import java.util.ArrayList;
import java.util.List;

/// A selective state space (Gu and Dao 2023), its three selections normalised as in Jamba (Lieber et al. 2024).
///
/// With x = silu(convolution(input·u)), B = norm(b·x), C = norm(c·x) and Δ = softplus(step·norm(rank·x)), the state of
/// a channel becomes h = exp(-exp(logRates)·Δ) ⊙ h + Δ·x·B, and the result is output·((C·h + skip·x) ⊙ silu(gate·u)).
///
/// @param rank [stepRank, channels]
/// @param step [channels, stepRank], with bias
/// @param logRates [stateSize, channels]
/// @param skip `[channels]`
public record MambaSpec(
        LinearSpec input,
        LinearSpec gate,
        ConvolutionSpec convolution,
        LinearSpec rank,
        LinearSpec b,
        LinearSpec c,
        NormSpec rankNorm,
        NormSpec bNorm,
        NormSpec cNorm,
        LinearSpec step,
        VectorSpec logRates,
        VectorSpec skip,
        LinearSpec output)
        implements RecurrentSpec {
    /// Returns how many values a channel remembers.
    public int stateSize() {
        return b.rows();
    }

    @Override
    public List<LinearSpec> linears() {
        return List.of(input, gate, rank, b, c, step, output);
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>(convolution.vectors());
        vectors.addAll(rankNorm.vectors());
        vectors.addAll(bNorm.vectors());
        vectors.addAll(cNorm.vectors());
        vectors.add(logRates);
        vectors.add(skip);
        return vectors;
    }

    /// The input, the gate, the three selections, the step and the scan's result.
    @Override
    public List<Integer> intermediates() {
        return List.of(input.rows(), gate.rows(), rank.rows(), b.rows(), c.rows(), step.rows(), input.rows());
    }

    @Override
    public List<Integer> states() {
        return List.of(convolution.state(), logRates.size());
    }
}
