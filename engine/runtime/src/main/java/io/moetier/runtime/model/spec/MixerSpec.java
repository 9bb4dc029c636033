package io.moetier.runtime.model.spec;

/// A block in which tokens learn of those before them.
public sealed interface MixerSpec extends BlockSpec
        permits KeyValueSpec, LatentAttentionSpec, RecurrentSpec, SequenceAttentionSpec {}
