package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.LinearAttentionShape;
import io.moetier.runtime.model.spec.weight.ConvolutionSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Gated DeltaNet (Yang et al. 2024): linear attention whose keys correct what the state holds for them.
///
/// With q, k and v = silu(convolution(…·x)), q and k of length 1 in each head and q divided by the root of its size,
/// β = sigmoid(strength·x) and Δ = softplus(step·x + stepBias), the state of a head becomes S = exp(-exp(logRates)·Δ)·S
/// and then S + k⊗β(v - Sᵀk). The result is output·(norm(Sᵀq) ⊙ silu(gate·x)), each head normalised by itself.
///
/// Kimi Delta Attention (Kimi Team 2025, arXiv:2510.26692) has a step for each element of a key, by which a row of
/// S decays, a sigmoid where the other has silu, and makes gates and steps of narrow rows instead of x.
///
/// @param projections queries and keys [numKeyHeads · keyDim, hiddenSize], values [numValueHeads · valueDim,
/// hiddenSize].
/// @param gate what the heads' results are multiplied by
/// @param strength [numValueHeads, hiddenSize]
/// @param convolutions of queries, keys and values
/// @param decay the step `[numValueHeads · steps of a head, hiddenSize or rank]`, the rates `[numValueHeads]`
/// @param norm of valueDim elements
/// @param shape how many heads there are, and which of values share one of keys
public record GatedDeltaSpec(
        ProjectionsSpec projections,
        Gate gate,
        LinearSpec strength,
        List<ConvolutionSpec> convolutions,
        Decay decay,
        NormSpec norm,
        LinearAttentionShape shape)
        implements RecurrentSpec {
    public GatedDeltaSpec {
        convolutions = List.copyOf(convolutions);
    }

    /// What makes gates.
    ///
    /// @param rank [rank, hiddenSize], where they are made of narrow rows
    /// @param linear [numValueHeads · valueDim, rank or hiddenSize]
    public record Gate(Optional<LinearSpec> rank, LinearSpec linear, Activation activation) {
        private LinearSpec input() {
            return rank.orElse(linear);
        }
    }

    /// Returns the maps of x: to queries, keys, values, gates or what makes them, strengths, and steps likewise.
    public List<LinearSpec> inputs() {
        return Stream.concat(projections.inputs().stream(), Stream.of(gate.input(), strength, decay.input()))
                .toList();
    }

    @Override
    public List<LinearSpec> linears() {
        List<LinearSpec> linears = new ArrayList<>(inputs());
        gate.rank().ifPresent(_ -> linears.add(gate.linear()));
        decay.rank().ifPresent(_ -> linears.add(decay.step()));
        linears.add(projections.output());
        return linears;
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>();
        convolutions.forEach(part -> vectors.addAll(part.vectors()));
        vectors.add(decay.logRates());
        vectors.addAll(norm.vectors());
        return vectors;
    }

    /// What is made of x, the heads' results, and gates and steps that are made of narrow rows.
    @Override
    public List<Integer> intermediates() {
        List<Integer> widths = new ArrayList<>();
        inputs().forEach(linear -> widths.add(linear.rows()));
        widths.add(projections.value().rows());
        widths.add(gate.rank().isPresent() ? gate.linear().rows() : 0);
        widths.add(decay.rank().isPresent() ? decay.step().rows() : 0);
        return widths;
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
