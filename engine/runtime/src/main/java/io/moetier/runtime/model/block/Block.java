package io.moetier.runtime.model.block;

import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.metrics.Section;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;

/// A building block of layers with its loaded weights.
public interface Block {
    /// Computes the buffers' `out` [n, hiddenSize] from their `in`.
    ///
    /// @param buffers all that it may write, beside what the cache has for it
    /// @param cache what the session remembers of the positions before
    void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache);

    /// Returns what it counts as, up to where it says otherwise itself.
    default Section section() {
        return Section.ATTENTION;
    }
}
