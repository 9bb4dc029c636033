package io.moetier.runtime.model.spec;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Causal grouped-query attention (Ainslie et al. 2023).
///
/// @param scale factor on query·key
/// @param slidingWindow how many keys a query sees, itself included; 0 for all
/// @param chunk positions are cut into chunks of this length, and a query sees none of an earlier chunk; 0 for none
/// @param clip bound on the absolute value of queries, keys and values after projection and norm; 0 for none
/// @param gate [output.cols, hiddenSize]: the heads' results are multiplied by sigmoid(gate·x) before the output
///     projection (Qiu et al. 2025, arXiv:2505.06708), where the family does so
/// @param rope rotation of queries and keys; absent where the layer has no notion of position
/// @param sinks [numHeads]: logits that take part in each softmax without a key, where the family has them
/// @param temperature factors on queries, where the family has them
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
        int chunk,
        float clip,
        Optional<QkNormSpec> qkNorm,
        Optional<LinearSpec> gate,
        Optional<RopeSpec> rope,
        Optional<VectorSpec> sinks,
        Optional<TemperatureSpec> temperature)
        implements KeyValueSpec {
    /// @throws IllegalArgumentException if a number is out of range
    public AttentionSpec {
        Range.require("query heads", numHeads, 1, Range.ROW);
        Range.require("key and value heads", numKeyValueHeads, 1, numHeads);
        Range.require("elements of a head", headDim, 1, Range.ROW);
        Range.requireFinite("scale of attention", scale);
        Range.require("sliding window", slidingWindow, 0, Integer.MAX_VALUE);
        Range.require("chunk of attention", chunk, 0, Integer.MAX_VALUE);
        Range.requireNotNegative("bound on queries, keys and values", clip);
    }

    @Override
    public List<LinearSpec> linears() {
        return Stream.concat(Stream.of(query, key, value, output), gate.stream())
                .toList();
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>();
        qkNorm.ifPresent(norms -> {
            vectors.addAll(norms.query().vectors());
            vectors.addAll(norms.key().vectors());
        });
        sinks.ifPresent(vectors::add);
        return vectors;
    }

    /// Queries, keys, values, the heads' results and what they are gated with.
    @Override
    public List<Integer> intermediates() {
        return List.of(
                query.rows(),
                key.rows(),
                value.rows(),
                output.cols(),
                gate.map(LinearSpec::rows).orElse(0));
    }
}
