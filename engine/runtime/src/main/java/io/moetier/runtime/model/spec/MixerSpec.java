package io.moetier.runtime.model.spec;

import java.util.List;
import java.util.Optional;

/// A block in which tokens learn of those before them.
public sealed interface MixerSpec extends BlockSpec
        permits CompressedAttentionSpec, KeyValueSpec, LatentAttentionSpec, RecurrentSpec, SequenceAttentionSpec {
    /// Returns which keys it reads, unless it is all that a token may see.
    default Optional<SparsitySpec> sparsity() {
        return Optional.empty();
    }

    /// Returns what it rotates by, the same perhaps twice.
    default List<RopeSpec> rotations() {
        return List.of();
    }

    /// Returns how many floats each part of its state takes, which each token changes and none can be taken back from.
    default List<Integer> states() {
        return List.of();
    }
}
