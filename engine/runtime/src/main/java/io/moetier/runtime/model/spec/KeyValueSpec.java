package io.moetier.runtime.model.spec;

/// A mixer that keeps keys and values of every position.
public sealed interface KeyValueSpec extends MixerSpec permits AttentionSpec, MixtureOfHeadsSpec {
    /// Returns how many heads of keys and values a position has.
    int numKeyValueHeads();

    /// Returns how many elements a key has.
    int headDim();

    /// Returns how many elements a value has.
    int valueDim();
}
