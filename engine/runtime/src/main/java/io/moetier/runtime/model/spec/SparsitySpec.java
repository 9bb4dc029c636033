package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.KeyBlocks;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// That attention reads chosen keys alone.
///
/// @param blocks what is chosen
/// @param indexer what chooses; absent where the choice is that of the layer before
public record SparsitySpec(KeyBlocks blocks, Optional<IndexerSpec> indexer) {
    /// Returns what an indexer chooses.
    public static SparsitySpec by(IndexerSpec indexer) {
        return new SparsitySpec(indexer.shape().blocks(), Optional.of(indexer));
    }

    /// Returns some matrices with those of an indexer behind.
    static List<LinearSpec> linears(List<LinearSpec> own, Optional<SparsitySpec> sparsity) {
        return joined(own, indexer(sparsity).map(IndexerSpec::linears));
    }

    /// Returns some vectors with those of an indexer behind.
    static List<VectorSpec> vectors(List<VectorSpec> own, Optional<SparsitySpec> sparsity) {
        return joined(own, indexer(sparsity).map(IndexerSpec::vectors));
    }

    /// Returns the widths of some intermediate results with those of an indexer behind.
    static List<Integer> intermediates(List<Integer> own, Optional<SparsitySpec> sparsity) {
        return joined(own, indexer(sparsity).map(IndexerSpec::intermediates));
    }

    /// Returns some rotations with those of an indexer behind.
    static List<RopeSpec> rotations(List<RopeSpec> own, Optional<SparsitySpec> sparsity) {
        return joined(own, indexer(sparsity).map(IndexerSpec::rotations));
    }

    private static Optional<IndexerSpec> indexer(Optional<SparsitySpec> sparsity) {
        return sparsity.flatMap(SparsitySpec::indexer);
    }

    private static <T> List<T> joined(List<T> own, Optional<List<T>> more) {
        List<T> all = new ArrayList<>(own);
        more.ifPresent(all::addAll);
        return all;
    }
}
