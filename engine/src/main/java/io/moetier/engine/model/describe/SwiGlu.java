package io.moetier.engine.model.describe;

import io.moetier.engine.model.spec.DenseSpec;
import io.moetier.engine.model.spec.LinearSpec;

/// Names of the three matrices of a SwiGLU MLP, as checkpoints call them.
public record SwiGlu(String gate, String up, String down) implements ExpertStorage {
    /// What transformers calls them.
    public static final SwiGlu PROJ = new SwiGlu("gate_proj", "up_proj", "down_proj");
    /// What Mistral calls them.
    public static final SwiGlu W = new SwiGlu("w1", "w3", "w2");

    /// Describes the expert called `experts.N`.
    @Override
    public DenseSpec expert(String prefix, int expert, int numExperts, int hiddenSize, int width) {
        return spec(prefix + "experts." + expert, hiddenSize, width);
    }

    /// Returns the MLP called `prefix`.
    public DenseSpec spec(String prefix, int hiddenSize, int width) {
        return DenseSpec.swiGlu(
                LinearSpec.named(prefix + "." + gate, width, hiddenSize, false),
                LinearSpec.named(prefix + "." + up, width, hiddenSize, false),
                LinearSpec.named(prefix + "." + down, hiddenSize, width, false));
    }
}
