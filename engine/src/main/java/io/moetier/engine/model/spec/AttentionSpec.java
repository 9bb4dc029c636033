package io.moetier.engine.model.spec;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Causal grouped-query attention (Ainslie et al. 2023).
///
/// @param scale factor on query·key
/// @param slidingWindow how many keys a query sees, itself included; 0 for all
/// @param clip bound on the absolute value of queries, keys and values after projection and norm; 0 for none
/// @param rope rotation of queries and keys; absent where the layer has no notion of position
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
        Optional<RopeSpec> rope)
        implements KeyValueSpec {
    @Override
    public List<LinearSpec> linears() {
        return List.of(query, key, value, output);
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>();
        qkNorm.ifPresent(norms -> {
            vectors.addAll(norms.query().vectors());
            vectors.addAll(norms.key().vectors());
        });
        return vectors;
    }

    /// Queries, keys, values and the heads' results.
    @Override
    public List<Integer> intermediates() {
        return List.of(query.rows(), key.rows(), value.rows(), output.cols());
    }
}
