package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.IndexShape;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// What chooses the keys that attention reads: by products of queries and keys of its own, which are narrower. Of a
/// position it keeps one key.
///
/// @param query [numHeads * dim, hiddenSize or the rank of attention's queries]
/// @param queryNorm of each head, before the rotation, where the family has it
/// @param key [dim, hiddenSize]
/// @param keyNorm before the rotation
/// @param weights [numHeads, hiddenSize]: the weights of heads that choose together; absent where each does for itself
/// @param rope of the first elements of queries and keys
public record IndexerSpec(
        LinearSpec query,
        Optional<NormSpec> queryNorm,
        LinearSpec key,
        NormSpec keyNorm,
        Optional<LinearSpec> weights,
        RopeSpec rope,
        IndexShape shape) {
    /// @throws IllegalArgumentException if a number is out of range
    public IndexerSpec {
        Range.require("elements of an index key", shape.dim(), rope.rotaryDim(), Range.ROW);
        Range.require("blocks of keys that are chosen", shape.blocks().floats(), 1, Range.TOKEN);
    }

    List<LinearSpec> linears() {
        return Stream.concat(Stream.of(query, key), weights.stream()).toList();
    }

    List<VectorSpec> vectors() {
        return Stream.concat(queryNorm.stream().flatMap(norm -> norm.vectors().stream()), keyNorm.vectors().stream())
                .toList();
    }

    /// Queries, keys and weights.
    List<Integer> intermediates() {
        return List.of(query.rows(), key.rows(), weights.map(LinearSpec::rows).orElse(0));
    }
}
