package io.moetier.runtime.model.spec;

import java.util.Optional;

/// A block in which tokens learn of those before them.
public sealed interface MixerSpec extends BlockSpec
        permits KeyValueSpec, LatentAttentionSpec, RecurrentSpec, SequenceAttentionSpec {
    /// Returns which keys it reads, unless it is all that a token may see.
    default Optional<SparsitySpec> sparsity() {
        return Optional.empty();
    }
}
