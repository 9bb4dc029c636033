package io.moetier.runtime.model.describe;

import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;

/// Names of the two matrices of an MLP without gate, as checkpoints call them.
///
/// @param expert what stands in front of the number of an expert
/// @param biased whether both have a bias
public record UngatedMlp(String expert, String up, String down, boolean biased, FfnActivation activation)
        implements ExpertStorage {
    @Override
    public DenseSpec expert(String prefix, int number, int numExperts, int inputSize, int width) {
        return spec(prefix + expert + number, inputSize, width);
    }

    /// Returns the MLP called `prefix`.
    public DenseSpec spec(String prefix, int inputSize, int width) {
        return DenseSpec.ungated(
                LinearSpec.named(prefix + "." + up, width, inputSize, biased),
                LinearSpec.named(prefix + "." + down, inputSize, width, biased),
                activation);
    }
}
