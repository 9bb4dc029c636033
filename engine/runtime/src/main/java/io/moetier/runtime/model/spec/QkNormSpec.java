package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.NormSpec;
/// Normalisation of queries and keys: over each head (`perHead`) or over the whole projection.
///
/// @param afterRope whether it comes after the rotation instead of before

public record QkNormSpec(NormSpec query, NormSpec key, boolean perHead, boolean afterRope) {}
