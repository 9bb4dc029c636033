package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;

/// Names of the two matrices of an MLP with ReLU, as checkpoints call them, and whether both have a bias.
public record ReluMlp(String up, String down, boolean biased) implements ExpertStorage {
    /// Describes the expert called `experts.expert_N`.
    @Override
    public DenseSpec expert(String prefix, int expert, int numExperts, int hiddenSize, int width) {
        return spec(prefix + "experts.expert_" + expert, hiddenSize, width);
    }

    /// Returns the MLP called `prefix`.
    public DenseSpec spec(String prefix, int hiddenSize, int width) {
        return DenseSpec.relu(
                LinearSpec.named(prefix + "." + up, width, hiddenSize, biased),
                LinearSpec.named(prefix + "." + down, hiddenSize, width, biased));
    }
}
