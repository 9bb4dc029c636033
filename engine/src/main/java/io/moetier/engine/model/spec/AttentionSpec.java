package io.moetier.engine.model.spec;

import java.util.Optional;

/// Causal grouped-query attention (Ainslie et al. 2023).
///
/// @param scale factor on query·key
/// @param slidingWindow how many keys a query sees, itself included; 0 for all
/// @param clip bound on the absolute value of queries, keys and values after projection and norm; 0 for none
public record AttentionSpec(
        LinearSpec query,
        LinearSpec key,
        LinearSpec value,
        LinearSpec output,
        int numHeads,
        int numKeyValueHeads,
        int headDim,
        float scale,
        int slidingWindow,
        float clip,
        Optional<QkNormSpec> qkNorm,
        RopeSpec rope) {}
