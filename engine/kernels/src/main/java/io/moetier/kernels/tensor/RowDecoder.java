package io.moetier.kernels.tensor;

import io.moetier.storage.format.Floats;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/// Turns rows of packed matrices into floats, by way of the blocks they were packed from.
///
/// Allocates nothing after its construction. Not thread-safe.
public final class RowDecoder {
    /// Elements that are collected together, a whole number of blocks of every type.
    private static final int STRIP = 1024;

    private final int strip;
    private final byte[] open;
    private final byte[] closed;
    private final MemorySegment openBlocks;
    private final MemorySegment closedBlocks;

    /// Makes a decoder for matrices of every type.
    public RowDecoder() {
        this(STRIP);
    }

    /// Makes a decoder that collects `strip` elements, a whole number of blocks, at a time.
    RowDecoder(int strip) {
        this.strip = strip;
        open = new byte[Float.BYTES * strip];
        closed = new byte[Float.BYTES * strip];
        openBlocks = MemorySegment.ofArray(open);
        closedBlocks = MemorySegment.ofArray(closed);
    }

    /// Decodes a row to `dst[to .. to + w.cols()]`: to the floats that [Floats] makes of the row as it was before it
    /// was packed.
    ///
    /// @throws IndexOutOfBoundsException if there is no such row or no room
    public void decode(WeightMatrix w, int row, float[] dst, int to) {
        decode(w, row, 0, w.cols(), dst, to);
    }

    /// Decodes `length` elements from `first` on, the first of a block.
    void decode(WeightMatrix w, int row, int first, int length, float[] dst, int to) {
        Objects.checkIndex(row, w.rows());
        Objects.checkFromIndexSize(first, length, w.cols());
        int lane = row % WeightMatrix.TILE_ROWS;
        long tile = row / WeightMatrix.TILE_ROWS * WeightMatrix.tileBytes(w.dtype(), w.cols());
        TileLayout layout = TileLayout.of(w.dtype());
        for (int k = 0; k < length; k += strip) {
            int count = Math.min(strip, length - k);
            long at = tile + (long) (first + k) / layout.elements * layout.tileBlockBytes();
            int numBlocks = layout.blocks(count);
            layout.gather(w.bytes(), at, open, lane, numBlocks);
            if (w.dtype().blockElements() == 1) {
                Floats.decode(w.dtype(), open, count, dst, to + k);
            } else {
                Floats.decode(w.dtype(), closed(layout, numBlocks), 0, count, dst, to + k);
            }
        }
    }

    /// Returns the collected blocks as they were before they were opened.
    private MemorySegment closed(TileLayout layout, int numBlocks) {
        if (layout.opening == null) {
            return openBlocks;
        }
        layout.opening.close(open, closed, numBlocks);
        return closedBlocks;
    }
}
