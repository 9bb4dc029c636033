package io.moetier.kernels.tensor;

import java.lang.foreign.MemorySegment;

/// Brings sixteen rows of weights into the layout of [WeightMatrix], as [WeightPacker] does and faster. May be called
/// from several threads.
public interface RowInterleaver {
    /// Interleaves up to sixteen rows; zeros stand for the others.
    ///
    /// @param rows on the heap or not, each of `numBlocks` blocks
    /// @param rowBytes from the start of one row to the next
    /// @param layout what [TileLayout#table] holds
    /// @param tile for `numBlocks` shared blocks, every byte of which is written
    void interleave(
            MemorySegment rows, long rowBytes, int numRows, int numBlocks, MemorySegment layout, MemorySegment tile);
}
