package io.moetier.engine.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/// Rearranges row-major weights, as checkpoints store them, into the layout of [WeightMatrix].
///
/// A type packs losslessly into itself, anything packs into `F32`, and anything packs into `Q8_0` with the rounding of
/// ggml: scale `d = max|x| / 127` stored as float16, values `x * (1 / d)` rounded half away from zero.
public final class WeightPacker {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int ROWS = WeightMatrix.TILE_ROWS;
    /// Words of a row that are moved together, few enough that sixteen rows of them stay in the first-level cache.
    /// They go by way of arrays: an import is over before the compiler has made element access to segments fast.
    private static final int STRIP = 128;

    private static final int BLOCK = 32;
    private static final int BLOCK_BYTES = 34;
    private static final int PACKED_BLOCK_BYTES = BLOCK_BYTES * ROWS;
    private static final int PACKED_SCALE_BYTES = 2 * ROWS;

    private final DType source;
    private final MemorySegment rowMajor;
    private final DType target;
    private final int rows;
    private final int cols;
    private final MemorySegment dst;
    private final BlockQuantiser quantiser = new BlockQuantiser();
    private final float[] values = quantiser.values();
    private final short[] halves = new short[BlockQuantiser.STRIP];
    private final int[] words = new int[BlockQuantiser.STRIP];
    private final int[] packedWords = new int[ROWS * STRIP];
    private final short[] packedHalves = new short[ROWS * STRIP];

    private WeightPacker(DType source, MemorySegment rowMajor, DType target, int rows, int cols, MemorySegment dst) {
        this.source = source;
        this.rowMajor = rowMajor;
        this.target = target;
        this.rows = rows;
        this.cols = cols;
        this.dst = dst;
    }

    /// Packs `[rows, cols]` weights into `dst`, every byte of which is written.
    ///
    /// @throws IllegalArgumentException if a segment has another size than its type and shape ask for, or if
    /// `source` does not pack into `target`
    public static void pack(DType source, MemorySegment rowMajor, DType target, int rows, int cols, MemorySegment dst) {
        long packed = WeightMatrix.packedBytes(target, rows, cols);
        long plain = rows * source.bytes(cols);
        if (rowMajor.byteSize() != plain || dst.byteSize() != packed) {
            throw new IllegalArgumentException(rows + " x " + cols + " weights take " + plain + " bytes as "
                    + source.label() + " and " + packed + " packed as " + target.label() + ", not "
                    + rowMajor.byteSize() + " and " + dst.byteSize());
        }
        if (source != target && target != DType.F32 && target != DType.Q8_0) {
            throw new IllegalArgumentException(source.label() + " does not pack into " + target.label());
        }
        new WeightPacker(source, rowMajor, target, rows, cols, dst).pack();
    }

    private void pack() {
        if (rows % ROWS != 0) {
            long tile = WeightMatrix.tileBytes(target, cols);
            dst.asSlice(rows / ROWS * tile, tile).fill((byte) 0);
        }
        for (int first = 0; first < rows; first += ROWS) {
            long tile = first / ROWS * WeightMatrix.tileBytes(target, cols);
            int count = Math.min(ROWS, rows - first);
            if (source != target) {
                convert(first, count, tile);
            } else {
                switch (target) {
                    case F32 -> copyWords(first, count, tile, cols);
                    case F16 -> copyHalves(first, count, tile);
                    case BF16 -> copyPairs(first, count, tile);
                    case Q8_0 -> copyBlocks(first, count, tile);
                    default -> throw new UnsupportedOperationException(source + " weights");
                }
            }
        }
    }

    private void copyWords(int first, int count, long tile, int wordsPerRow) {
        if (count < ROWS) {
            Arrays.fill(packedWords, 0);
        }
        for (int k = 0; k < wordsPerRow; k += STRIP) {
            int length = Math.min(STRIP, wordsPerRow - k);
            for (int lane = 0; lane < count; lane++) {
                long at = 4L * ((long) (first + lane) * wordsPerRow + k);
                MemorySegment.copy(rowMajor, INT, at, words, 0, length);
                interleave(words, packedWords, lane, length);
            }
            MemorySegment.copy(packedWords, 0, dst, INT, tile + 4L * ROWS * k, ROWS * length);
        }
    }

    private static void interleave(int[] row, int[] packed, int lane, int length) {
        for (int i = 0; i < length; i++) {
            packed[i * ROWS + lane] = row[i];
        }
    }

    private void copyWords(long from, long to, int count) {
        for (int k = 0; k < count; k++) {
            dst.set(INT, to + 64L * k, rowMajor.get(INT, from + 4L * k));
        }
    }

    private void copyHalves(int first, int count, long tile) {
        if (count < ROWS) {
            Arrays.fill(packedHalves, (short) 0);
        }
        for (int k = 0; k < cols; k += STRIP) {
            int length = Math.min(STRIP, cols - k);
            for (int lane = 0; lane < count; lane++) {
                long at = 2L * ((long) (first + lane) * cols + k);
                MemorySegment.copy(rowMajor, SHORT, at, halves, 0, length);
                interleave(halves, packedHalves, lane, length);
            }
            MemorySegment.copy(packedHalves, 0, dst, SHORT, tile + 2L * ROWS * k, ROWS * length);
        }
    }

    private static void interleave(short[] row, short[] packed, int lane, int length) {
        for (int i = 0; i < length; i++) {
            packed[i * ROWS + lane] = row[i];
        }
    }

    /// Two bfloat16 of a row stay together, so they move as one word.
    private void copyPairs(int first, int count, long tile) {
        if (cols % 2 == 0) {
            copyWords(first, count, tile, cols / 2);
            return;
        }
        for (int lane = 0; lane < count; lane++) {
            long from = 2L * (first + lane) * cols;
            long to = tile + 4L * lane;
            copyWords(from, to, cols / 2);
            dst.set(INT, to + 64L * (cols / 2), rowMajor.get(SHORT, from + 2L * (cols - 1)) & 0xFFFF);
        }
    }

    private void copyBlocks(int first, int count, long tile) {
        long rowBytes = DType.Q8_0.bytes(cols);
        for (int b = 0; b < cols / BLOCK; b++) {
            long to = tile + (long) b * PACKED_BLOCK_BYTES;
            for (int lane = 0; lane < count; lane++) {
                long from = (first + lane) * rowBytes + (long) b * BLOCK_BYTES;
                dst.set(SHORT, to + 2L * lane, rowMajor.get(SHORT, from));
                copyWords(from + 2, to + PACKED_SCALE_BYTES + 4L * lane, BLOCK / 4);
            }
        }
    }

    private void convert(int first, int count, long tile) {
        for (int k = 0; k < cols; k += BlockQuantiser.STRIP) {
            int length = Math.min(BlockQuantiser.STRIP, cols - k);
            for (int lane = 0; lane < count; lane++) {
                read(first + lane, k, length);
                if (target == DType.F32) {
                    scatter(length, tile + 64L * k + 4L * lane);
                } else {
                    quantiser.quantise(length, lane);
                }
            }
            if (target == DType.Q8_0) {
                quantiser.write(length, dst, tile + (long) (k / BLOCK) * PACKED_BLOCK_BYTES);
            }
        }
    }

    private void scatter(int length, long to) {
        for (int i = 0; i < length; i++) {
            dst.set(FLOAT, to + 64L * i, values[i]);
        }
    }

    /// Reads `length` weights into `values`.
    private void read(int row, int first, int length) {
        long at = row * source.bytes(cols) + source.bytes(first);
        switch (source) {
            case F32 -> MemorySegment.copy(rowMajor, FLOAT, at, values, 0, length);
            case F16 -> {
                MemorySegment.copy(rowMajor, SHORT, at, halves, 0, length);
                decodeHalves(halves, values, length);
            }
            case BF16 -> {
                MemorySegment.copy(rowMajor, SHORT, at, halves, 0, length);
                widen(halves, words, length);
                MemorySegment.copy(words, 0, MemorySegment.ofArray(values), ValueLayout.JAVA_INT_UNALIGNED, 0, length);
            }
            case Q8_0 -> {
                for (int i = 0; i < length; i += BLOCK) {
                    readBlock(at + (long) (i / BLOCK) * BLOCK_BYTES, i);
                }
            }
            default -> throw new UnsupportedOperationException(source + " weights");
        }
    }

    private void readBlock(long at, int to) {
        float scale = Float.float16ToFloat(rowMajor.get(SHORT, at));
        for (int i = 0; i < BLOCK; i++) {
            values[to + i] = rowMajor.get(JAVA_BYTE, at + 2 + i) * scale;
        }
    }

    private static void decodeHalves(short[] halves, float[] values, int length) {
        for (int i = 0; i < length; i++) {
            values[i] = Float.float16ToFloat(halves[i]);
        }
    }

    private static void widen(short[] halves, int[] words, int length) {
        for (int i = 0; i < length; i++) {
            words[i] = halves[i] << 16;
        }
    }
}
