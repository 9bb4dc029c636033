package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.IndexShape;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// What chooses the keys that attention reads: by products of queries and keys of its own, which are narrower. Of a
/// position, or of an entry that stands for several, it keeps one key.
///
/// @param query [numHeads * dim, hiddenSize or the rank of attention's queries]
/// @param queryNorm of each head, before the rotation, where the family has it
/// @param keys what makes keys
/// @param weights [numHeads, hiddenSize]: the weights of heads that choose together; absent where each does for itself
/// @param rope of the first elements of queries and keys, or of the last where keys are entries
public record IndexerSpec(
        LinearSpec query,
        Optional<NormSpec> queryNorm,
        IndexKeysSpec keys,
        Optional<LinearSpec> weights,
        RopeSpec rope,
        IndexShape shape) {
    /// @throws IllegalArgumentException if a number is out of range
    public IndexerSpec {
        Range.require("elements of an index key", shape.dim(), rope.rotaryDim(), Range.ROW);
        Range.require("blocks of keys that are chosen", shape.blocks().floats(), 1, Range.TOKEN);
    }

    List<LinearSpec> linears() {
        List<LinearSpec> linears = new ArrayList<>(List.of(query));
        linears.addAll(keys.linears());
        weights.ifPresent(linears::add);
        return linears;
    }

    List<VectorSpec> vectors() {
        return Stream.concat(queryNorm.stream().flatMap(norm -> norm.vectors().stream()), keys.vectors().stream())
                .toList();
    }

    /// Its own, and that of entries.
    List<RopeSpec> rotations() {
        return keys instanceof CompressorSpec entries ? List.of(rope, entries.rope()) : List.of(rope);
    }

    /// Returns which elements of a head are rotated, from which on.
    public int firstRotated() {
        return keys instanceof CompressorSpec ? shape.dim() - rope.rotaryDim() : 0;
    }

    /// Queries, weights, and what makes keys.
    List<Integer> intermediates() {
        List<Integer> widths = new ArrayList<>(
                List.of(query.rows(), weights.map(LinearSpec::rows).orElse(0)));
        widths.addAll(keys.intermediates());
        return widths;
    }
}
