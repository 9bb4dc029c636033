package io.moetier.kernels.tensor;

import io.moetier.storage.format.Floats;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;

/// Turns rows and tiles of packed matrices into floats, by way of the blocks they were packed from.
///
/// Allocates nothing after its construction. Not thread-safe.
public final class RowDecoder {
    /// Elements that are collected together, a whole number of blocks of every type.
    private static final int STRIP = 1024;

    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final VarHandle PAIRS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int UPPER = 0xFFFF0000; // the second of a pair

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

    /// Decodes a tile of sixteen rows to `dst` as `[cols][16]`; rows of padding are zeros.
    ///
    /// @param dst has room for `cols` more, which may be written, too
    ///
    /// @throws IndexOutOfBoundsException if there is no such tile or no room
    public void decodeTile(WeightMatrix w, int tile, float[] dst) {
        Objects.checkIndex(tile, w.tiles());
        if (w.dtype().blockElements() == 1) {
            decodeNumbers(w, tile, dst);
            return;
        }
        int cols = w.cols();
        int rows = Math.min(ROWS, w.rows() - tile * ROWS);
        if (rows < ROWS) {
            Arrays.fill(dst, 0, cols * ROWS, 0f);
        }
        for (int row = 0; row < rows; row++) {
            decode(w, tile * ROWS + row, dst, cols * ROWS);
            for (int k = 0; k < cols; k++) {
                dst[k * ROWS + row] = dst[cols * ROWS + k];
            }
        }
    }

    /// Numbers that are in no blocks lie in a tile as they are wanted, or in pairs of a row.
    private void decodeNumbers(WeightMatrix w, int tile, float[] dst) {
        TileLayout layout = TileLayout.of(w.dtype());
        int columns = strip / ROWS;
        long at = tile * WeightMatrix.tileBytes(w.dtype(), w.cols());
        for (int k = 0; k < w.cols(); k += columns) {
            int count = Math.min(columns, w.cols() - k);
            int bytes = layout.blocks(count) * layout.tileBlockBytes();
            MemorySegment.copy(w.bytes(), at, openBlocks, 0, bytes);
            if (layout.elements == 1) {
                Floats.decode(w.dtype(), open, count * ROWS, dst, k * ROWS);
            } else {
                decodePairs(count, dst, k * ROWS);
            }
            at += bytes;
        }
    }

    /// Decodes `[count/2][16][2]` bfloat16 numbers to `[count][16]`; the second of the last pair is none if `count` is
    /// odd.
    private void decodePairs(int count, float[] dst, int to) {
        for (int k = 0; k < count; k += 2) {
            for (int row = 0; row < ROWS; row++) {
                int pair = (int) PAIRS.get(open, Integer.BYTES * (k / 2 * ROWS + row));
                dst[to + k * ROWS + row] = Float.intBitsToFloat(pair << Short.SIZE);
                if (k + 1 < count) {
                    dst[to + (k + 1) * ROWS + row] = Float.intBitsToFloat(pair & UPPER);
                }
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
