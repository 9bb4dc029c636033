package io.moetier.kernels.tensor;

import io.moetier.storage.format.Floats;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Rearranges row-major weights, as checkpoints store them, into the layout of [WeightMatrix].
///
/// A type packs losslessly into itself, anything packs losslessly into `F32`, and anything packs with a loss into
/// `Q8_0`, `Q4_0`, `Q4_K` and `Q6_K`.
public final class WeightPacker {
    private static final int ROWS = WeightMatrix.TILE_ROWS;
    /// Elements of a row that are moved together.
    private static final int STRIP = RowEncoder.STRIP;

    /// Packed bytes that are made together, few enough to stay in the first-level cache.
    private static final int PACKED_STRIP_BYTES = 1 << 15;

    private final DType source;
    private final MemorySegment rowMajor;
    private final TileLayout layout;
    private final int rows;
    private final int cols;
    private final MemorySegment dst;
    private final byte[] row = new byte[Float.BYTES * STRIP];
    private final byte[] openRow = new byte[Float.BYTES * STRIP];
    private final byte[] packed;
    private final float[] values = new float[STRIP];
    private final @Nullable RowEncoder encoder;
    private float @Nullable [] importance;

    private WeightPacker(
            DType source,
            MemorySegment rowMajor,
            DType target,
            TileLayout layout,
            int rows,
            int cols,
            MemorySegment dst) {
        this.source = source;
        this.rowMajor = rowMajor;
        this.layout = layout;
        this.rows = rows;
        this.cols = cols;
        this.dst = dst;
        encoder = source == target ? null : RowEncoder.of(target);
        packed = new byte[stripBlocks() * layout.tileBlockBytes()];
    }

    /// Says whether weights of one type pack into another.
    public static boolean packs(DType source, DType target) {
        return source == target || RowEncoder.makes(target);
    }

    /// Packs as the other method does, in Java alone.
    public static void pack(DType source, MemorySegment rowMajor, DType target, int rows, int cols, MemorySegment dst) {
        pack(source, rowMajor, target, rows, cols, dst, Optional.empty());
    }

    /// Packs `[rows, cols]` weights into `dst`, every byte of which is written.
    ///
    /// @param interleaver is used for weights that keep their type
    /// @throws IllegalArgumentException if a segment has another size than its type and shape ask for, or if
    /// `source` does not pack into `target`
    public static void pack(
            DType source,
            MemorySegment rowMajor,
            DType target,
            int rows,
            int cols,
            MemorySegment dst,
            Optional<RowInterleaver> interleaver) {
        long packed = WeightMatrix.packedBytes(target, rows, cols);
        long plain = rows * source.bytes(cols);
        if (rowMajor.byteSize() != plain || dst.byteSize() != packed) {
            throw new IllegalArgumentException(rows + " x " + cols + " weights take " + plain + " bytes as "
                    + source.label() + " and " + packed + " packed as " + target.label() + ", not "
                    + rowMajor.byteSize() + " and " + dst.byteSize());
        }
        if (!packs(source, target)) {
            throw new IllegalArgumentException(source.label() + " does not pack into " + target.label());
        }
        TileLayout layout = TileLayout.of(target);
        WeightPacker packer = new WeightPacker(source, rowMajor, target, layout, rows, cols, dst);
        if (interleaver.isPresent() && source == target && cols % layout.elements == 0) {
            packer.interleave(interleaver.get());
        } else {
            packer.pack();
        }
    }

    /// Packs weights that are rounded, in Java, as the other method does, but for what errors in a column count.
    ///
    /// @param importance of each column, about 1
    /// @throws IllegalArgumentException if there are not as many, or if weights of `source` keep their type
    public static void pack(
            DType source,
            MemorySegment rowMajor,
            DType target,
            int rows,
            int cols,
            MemorySegment dst,
            float[] importance) {
        if (source == target || importance.length != cols) {
            throw new IllegalArgumentException(importance.length + " importances for " + cols + " columns of "
                    + source.label() + " that become " + target.label());
        }
        WeightPacker packer = new WeightPacker(source, rowMajor, target, TileLayout.of(target), rows, cols, dst);
        packer.importance = importance;
        packer.pack();
    }

    /// Packs whole blocks that keep their type.
    private void interleave(RowInterleaver interleaver) {
        int numBlocks = layout.blocks(cols);
        long rowBytes = source.bytes(cols);
        long tileBytes = (long) numBlocks * layout.tileBlockBytes();
        for (int first = 0; first < rows; first += ROWS) {
            int count = Math.min(ROWS, rows - first);
            MemorySegment tile = dst.asSlice(first / ROWS * tileBytes, tileBytes);
            if (layout.opening == null) {
                MemorySegment tileRows = rowMajor.asSlice(first * rowBytes, count * rowBytes);
                interleaver.interleave(tileRows, rowBytes, count, numBlocks, layout.table, tile);
            } else {
                interleaveOpened(interleaver, layout.opening, first, count, tile);
            }
        }
    }

    private void interleaveOpened(
            RowInterleaver interleaver, OpenBlocks opening, int firstRow, int count, MemorySegment tile) {
        int numBlocks = layout.blocks(cols);
        int together = stripBlocks();
        for (int block = 0; block < numBlocks; block += together) {
            int length = Math.min(together, numBlocks - block);
            int stripBytes = length * layout.blockBytes;
            for (int lane = 0; lane < count; lane++) {
                load(firstRow + lane, block * layout.elements, length * layout.elements);
                opening.open(row, openRow, length);
                System.arraycopy(openRow, 0, packed, lane * stripBytes, stripBytes);
            }
            MemorySegment to = tile.asSlice((long) block * layout.tileBlockBytes(), (long) ROWS * stripBytes);
            interleaver.interleave(MemorySegment.ofArray(packed), stripBytes, count, length, layout.table, to);
        }
    }

    private int stripBlocks() {
        return Math.min(STRIP / layout.elements, PACKED_STRIP_BYTES / layout.tileBlockBytes());
    }

    private void pack() {
        int numBlocks = layout.blocks(cols);
        int together = stripBlocks();
        long to = 0;
        for (int first = 0; first < rows; first += ROWS) {
            int count = Math.min(ROWS, rows - first);
            if (count < ROWS) {
                Arrays.fill(packed, (byte) 0);
            }
            for (int block = 0; block < numBlocks; block += together) {
                int length = Math.min(together, numBlocks - block);
                packStrip(first, count, block, length);
                int bytes = length * layout.tileBlockBytes();
                MemorySegment.copy(packed, 0, dst, LittleEndian.BYTE, to, bytes);
                to += bytes;
            }
        }
    }

    private void packStrip(int firstRow, int count, int block, int numBlocks) {
        int from = block * layout.elements;
        int length = Math.min(numBlocks * layout.elements, cols - from);
        for (int lane = 0; lane < count; lane++) {
            load(firstRow + lane, from, length);
            if (layout.opening != null) {
                layout.opening.open(row, openRow, numBlocks);
                layout.scatter(openRow, packed, lane, numBlocks);
            } else {
                layout.scatter(row, packed, lane, numBlocks);
            }
        }
    }

    /// Puts elements of a row into `row`, as the target type stores them.
    private void load(int index, int from, int length) {
        long at = index * source.bytes(cols) + source.bytes(from);
        if (encoder == null) {
            int bytes = (int) source.bytes(length);
            MemorySegment.copy(rowMajor, LittleEndian.BYTE, at, row, 0, bytes);
            Arrays.fill(row, bytes, Math.min(row.length, bytes + 2), (byte) 0); // the second half of an odd pair
        } else {
            Floats.decode(source, rowMajor, at, length, values, 0);
            if (importance != null) {
                encoder.weigh(importance, from);
            }
            encoder.encode(values, length, row);
        }
    }
}
