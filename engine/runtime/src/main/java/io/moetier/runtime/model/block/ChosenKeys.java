package io.moetier.runtime.model.block;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KeyBlocks;
import io.moetier.kernels.device.KeyChoice;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.SparsitySpec;
import org.jspecify.annotations.Nullable;

/// The keys that attention reads where it does not read all of them. While a text is so short that all are chosen,
/// there is no choice, and what is computed is what attention without an indexer computes.
public final class ChosenKeys {
    private final KeyBlocks blocks;
    private final @Nullable Indexer indexer;

    /// @param indexer what chooses; null where the choice is that of the layer before
    public ChosenKeys(SparsitySpec spec, @Nullable Indexer indexer) {
        blocks = spec.blocks();
        this.indexer = indexer;
    }

    /// Returns the choice for the tokens of a pass, null where they read all.
    ///
    /// @param queryInput what queries of the indexer are made of
    /// @param first of the indexer's intermediate results
    @Nullable
    KeyChoice choose(
            Kernels kernels, Pass pass, BlockBuffers buffers, DeviceBuffer queryInput, int first, KvCache cache) {
        boolean readsAll = blocks.readsAll(pass.firstPosition() + pass.n() - 1);
        KeyChoice choice = readsAll ? null : buffers.choice();
        if (indexer != null) {
            indexer.store(kernels, pass, buffers, first, cache);
            if (choice != null) {
                indexer.choose(kernels, pass, buffers, queryInput, first, cache);
            }
        }
        return choice;
    }
}
