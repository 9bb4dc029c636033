package io.moetier.engine.model.spec;

/// Normalisation of queries and keys before RoPE: over each head (`perHead`) or over the whole projection.
public record QkNormSpec(NormSpec query, NormSpec key, boolean perHead) {}
