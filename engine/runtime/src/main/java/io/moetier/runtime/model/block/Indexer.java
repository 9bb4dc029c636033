package io.moetier.runtime.model.block;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.IndexShape;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.IndexerSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Weights;
import org.jspecify.annotations.Nullable;

/// The indexer of sparse attention (DeepSeek-AI 2025, DeepSeek-V3.2, section 2.1): keeps a key of every position, or of
/// every compressed entry, and chooses for every query those, or blocks of them, whose keys suit it best.
public final class Indexer {
    static final int QUERY = 0; // of its intermediate results
    static final int WEIGHTS = 1;
    static final int KEYS = 2; // and on: those of what makes keys

    private final int number;
    private final Linear query;
    private final @Nullable Norm queryNorm;
    private final IndexKeys keys;
    private final @Nullable Linear weights;
    private final RopeTable rope;
    private final IndexShape shape;
    private final int firstRotated;

    /// @param number of the indexers
    public Indexer(int number, IndexerSpec spec, IndexKeys keys, Weights weights, RopeTable rope) {
        this.number = number;
        this.keys = keys;
        this.rope = rope;
        shape = spec.shape();
        firstRotated = spec.firstRotated();
        query = Linear.load(spec.query(), weights);
        queryNorm = spec.queryNorm().map(norm -> Norm.load(norm, weights)).orElse(null);
        this.weights =
                spec.weights().map(linear -> Linear.load(linear, weights)).orElse(null);
    }

    /// Keeps the keys of the tokens of a pass.
    ///
    /// @param first of its intermediate results
    void store(Kernels kernels, Pass pass, BlockBuffers buffers, int first, KvCache cache) {
        keys.store(kernels, pass, buffers.in(), buffers.intermediates(), first + KEYS, cache, number);
    }

    /// Chooses for the tokens of a pass.
    ///
    /// @param input what queries are made of
    /// @param first of its intermediate results
    void choose(Kernels kernels, Pass pass, BlockBuffers buffers, DeviceBuffer input, int first, KvCache cache) {
        int n = pass.n();
        DeviceBuffer queries = buffers.intermediates()[first + QUERY];
        query.apply(kernels, input, n, queries);
        if (queryNorm != null) {
            queryNorm.apply(kernels, queries, n * shape.numHeads(), queries);
        }
        RopeTable table = rope.ofText(pass.textLength());
        kernels.rope(queries, n, shape.numHeads(), shape.dim(), firstRotated, pass.firstPosition(), table);
        DeviceBuffer factors = null;
        if (weights != null) {
            factors = buffers.intermediates()[first + WEIGHTS];
            weights.apply(kernels, buffers.in(), n, factors);
        }
        DeviceBuffer chosen = buffers.choice().blocks();
        kernels.chooseKeys(queries, factors, n, pass.firstPosition(), shape, cache.index(number), chosen);
    }
}
