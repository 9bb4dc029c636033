package io.moetier.engine.model.spec;

import java.util.List;

/// A SwiGLU MLP (Shazeer 2020): down·(silu(gate·x) ⊙ (up·x)).
public record DenseSpec(LinearSpec gate, LinearSpec up, LinearSpec down) implements FeedForwardSpec {
    @Override
    public List<LinearSpec> linears() {
        return List.of(gate, up, down);
    }

    /// Returns the number of parameters.
    public long numParameters() {
        return gate.numParameters() + up.numParameters() + down.numParameters();
    }
}
