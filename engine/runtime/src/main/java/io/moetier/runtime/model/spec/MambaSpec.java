package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.ConvolutionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// A selective state space (Gu and Dao 2023), its three selections normalised as in Jamba (Lieber et al. 2024).
///
/// With x = silu(convolution(input·u)), B = norm(b·x), C = norm(c·x) and Δ = softplus(step·norm(rank·x)), the state of
/// a channel becomes h = exp(-exp(logRates)·Δ) ⊙ h + Δ·x·B, and the result is output·((C·h + skip·x) ⊙ silu(gate·u)).
///
/// @param decay the step [channels, stepRank], with bias, and the rates [stateSize, channels]
/// @param skip `[channels]`
public record MambaSpec(
        LinearSpec input,
        LinearSpec gate,
        ConvolutionSpec convolution,
        Selections selections,
        Decay decay,
        VectorSpec skip,
        LinearSpec output)
        implements RecurrentSpec {
    /// What each token selects for itself.
    ///
    /// @param rank [stepRank, channels], of which the step is made
    public record Selections(Selection rank, Selection b, Selection c) {
        private Stream<Selection> all() {
            return Stream.of(rank, b, c);
        }
    }

    /// One of these, and its norm.
    public record Selection(LinearSpec linear, NormSpec norm) {}

    /// Returns how many values a channel remembers.
    public int stateSize() {
        return selections.b().linear().rows();
    }

    @Override
    public List<LinearSpec> linears() {
        return Stream.of(
                        Stream.of(input, gate),
                        selections.all().map(Selection::linear),
                        Stream.of(decay.step(), output))
                .flatMap(linears -> linears)
                .toList();
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>(convolution.vectors());
        selections.all().forEach(selection -> vectors.addAll(selection.norm().vectors()));
        vectors.add(decay.logRates());
        vectors.add(skip);
        return vectors;
    }

    /// The input, the gate, the three selections, the step and the scan's result.
    @Override
    public List<Integer> intermediates() {
        return Stream.of(
                        Stream.of(input, gate), selections.all().map(Selection::linear), Stream.of(decay.step(), input))
                .flatMap(linears -> linears)
                .map(LinearSpec::rows)
                .toList();
    }

    @Override
    public List<Integer> states() {
        return List.of(convolution.state(), decay.logRates().size());
    }
}
