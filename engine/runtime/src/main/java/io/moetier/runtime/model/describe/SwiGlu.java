package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;

/// Names of the three matrices of a SwiGLU MLP, as checkpoints call them.
///
/// @param biased whether each has a bias
/// @param activation what is computed in between
public record SwiGlu(String gate, String up, String down, boolean biased, FfnActivation activation)
        implements ExpertStorage {
    /// What transformers calls them.
    public static final SwiGlu PROJ = new SwiGlu("gate_proj", "up_proj", "down_proj", false, FfnActivation.SWIGLU);
    /// What Mistral calls them.
    public static final SwiGlu W = new SwiGlu("w1", "w3", "w2", false, FfnActivation.SWIGLU);

    /// Returns these names, with biases or without.
    public SwiGlu biased(boolean withBiases) {
        return new SwiGlu(gate, up, down, withBiases, activation);
    }

    /// Returns these names with another activation.
    public SwiGlu activated(FfnActivation other) {
        return new SwiGlu(gate, up, down, biased, other);
    }

    /// Describes the expert called `experts.N`.
    @Override
    public DenseSpec expert(String prefix, int expert, int numExperts, int hiddenSize, int width) {
        return spec(prefix + "experts." + expert, hiddenSize, width);
    }

    /// Returns the MLP called `prefix`.
    public DenseSpec spec(String prefix, int hiddenSize, int width) {
        return DenseSpec.swiGlu(
                        LinearSpec.named(prefix + "." + gate, width, hiddenSize, biased),
                        LinearSpec.named(prefix + "." + up, width, hiddenSize, biased),
                        LinearSpec.named(prefix + "." + down, hiddenSize, width, biased))
                .with(activation);
    }
}
