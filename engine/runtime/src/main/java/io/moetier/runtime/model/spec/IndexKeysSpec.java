package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;

/// What makes the keys that an indexer chooses by.
public sealed interface IndexKeysSpec permits IndexKeysSpec.OfPositions, CompressorSpec {
    /// Returns its matrices.
    List<LinearSpec> linears();

    /// Returns its vectors.
    List<VectorSpec> vectors();

    /// Returns how many floats per token each of its intermediate results takes, the keys themselves last.
    List<Integer> intermediates();

    /// A key for each position.
    ///
    /// @param linear [dim, hiddenSize]
    /// @param norm before the rotation
    record OfPositions(LinearSpec linear, NormSpec norm) implements IndexKeysSpec {
        @Override
        public List<LinearSpec> linears() {
            return List.of(linear);
        }

        @Override
        public List<VectorSpec> vectors() {
            return norm.vectors();
        }

        @Override
        public List<Integer> intermediates() {
            return List.of(linear.rows());
        }
    }
}
