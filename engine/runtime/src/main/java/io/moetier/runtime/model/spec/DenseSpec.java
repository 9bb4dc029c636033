package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// An MLP: down·activation(gate·x, up·x), each linear map with a bias where the family has one.
///
/// @param gate if the activation is gated
public record DenseSpec(Optional<LinearSpec> gate, LinearSpec up, LinearSpec down, FfnActivation activation)
        implements FeedForwardSpec {
    /// @throws IllegalArgumentException if there is a gate without use, or none where one is needed
    public DenseSpec {
        if (gate.isPresent() != activation.isGated()) {
            throw new IllegalArgumentException(activation + " with gate " + gate);
        }
    }

    /// Returns a SwiGLU MLP (Shazeer 2020): down·(silu(gate·x) ⊙ (up·x)).
    public static DenseSpec swiGlu(LinearSpec gate, LinearSpec up, LinearSpec down) {
        return new DenseSpec(Optional.of(gate), up, down, FfnActivation.SWIGLU);
    }

    /// Returns an MLP without gate: down·activation(up·x).
    public static DenseSpec ungated(LinearSpec up, LinearSpec down, FfnActivation activation) {
        return new DenseSpec(Optional.empty(), up, down, activation);
    }

    /// Returns this MLP with another activation.
    public DenseSpec with(FfnActivation newActivation) {
        return new DenseSpec(gate, up, down, newActivation);
    }

    @Override
    public List<LinearSpec> linears() {
        return Stream.concat(gate.stream(), Stream.of(up, down)).toList();
    }

    /// Returns the number of parameters.
    public long numParameters() {
        return linears().stream().mapToLong(LinearSpec::numParameters).sum();
    }
}
