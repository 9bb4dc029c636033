package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;

/// What a sublayer computes from its input [n, hiddenSize]: one of the building blocks that families choose from.
public sealed interface BlockSpec permits FeedForwardSpec, MixerSpec {
    /// Returns the matrices outside the routed experts, in the order in which a store keeps them; their biases belong
    /// to them.
    List<LinearSpec> linears();

    /// Returns the vectors outside the routed experts that are not a bias of [#linears()].
    default List<VectorSpec> vectors() {
        return List.of();
    }

    /// Returns how many floats per token each of the block's intermediate results takes. Blocks share the memory, as
    /// they run one after another.
    default List<Integer> intermediates() {
        return List.of();
    }
}
