package io.moetier.engine.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

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
    /// Columns that are transposed together, so that the lines written stay in the first-level cache.
    private static final int STRIP = 64;

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
    private final float[] block = new float[BLOCK];

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
                }
            }
        }
    }

    private void copyWords(int first, int count, long tile, int words) {
        long rowBytes = 4L * words;
        for (int k = 0; k < words; k += STRIP) {
            int end = Math.min(k + STRIP, words);
            for (int lane = 0; lane < count; lane++) {
                copyWords((first + lane) * rowBytes, tile + 4L * lane, k, end);
            }
        }
    }

    private void copyWords(long from, long to, int start, int end) {
        for (int k = start; k < end; k++) {
            dst.set(INT, to + 64L * k, rowMajor.get(INT, from + 4L * k));
        }
    }

    private void copyHalves(int first, int count, long tile) {
        for (int k = 0; k < cols; k += STRIP) {
            int end = Math.min(k + STRIP, cols);
            for (int lane = 0; lane < count; lane++) {
                copyHalves(2L * (first + lane) * cols, tile + 2L * lane, k, end);
            }
        }
    }

    private void copyHalves(long from, long to, int start, int end) {
        for (int k = start; k < end; k++) {
            dst.set(SHORT, to + 32L * k, rowMajor.get(SHORT, from + 2L * k));
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
            copyWords(from, to, 0, cols / 2);
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
                copyWords(from + 2, to + PACKED_SCALE_BYTES + 4L * lane, 0, BLOCK / 4);
            }
        }
    }

    private void convert(int first, int count, long tile) {
        for (int k = 0; k < cols; k += BLOCK) {
            int length = Math.min(BLOCK, cols - k);
            for (int lane = 0; lane < count; lane++) {
                read(first + lane, k, length);
                if (target == DType.F32) {
                    for (int i = 0; i < length; i++) {
                        dst.set(FLOAT, tile + 64L * (k + i) + 4L * lane, block[i]);
                    }
                } else {
                    quantise(tile + (long) (k / BLOCK) * PACKED_BLOCK_BYTES, lane);
                }
            }
        }
    }

    /// Reads `length` weights into `block`.
    private void read(int row, int first, int length) {
        long at = row * source.bytes(cols) + source.bytes(first);
        switch (source) {
            case F32 -> {
                for (int i = 0; i < length; i++) {
                    block[i] = rowMajor.get(FLOAT, at + 4L * i);
                }
            }
            case F16 -> {
                for (int i = 0; i < length; i++) {
                    block[i] = Float.float16ToFloat(rowMajor.get(SHORT, at + 2L * i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < length; i++) {
                    block[i] = Float.intBitsToFloat(rowMajor.get(SHORT, at + 2L * i) << 16);
                }
            }
            case Q8_0 -> {
                float scale = Float.float16ToFloat(rowMajor.get(SHORT, at));
                for (int i = 0; i < length; i++) {
                    block[i] = rowMajor.get(JAVA_BYTE, at + 2 + i) * scale;
                }
            }
        }
    }

    private void quantise(long to, int lane) {
        float largest = 0;
        for (float x : block) {
            largest = Math.max(largest, Math.abs(x));
        }
        float d = largest / 127f;
        float inverse = d == 0 ? 0 : 1f / d;
        dst.set(SHORT, to + 2L * lane, Float.floatToFloat16(d));
        long quads = to + PACKED_SCALE_BYTES + 4L * lane;
        for (int i = 0; i < BLOCK; i += 4) {
            int quad = (quantised(block[i] * inverse) & 0xFF)
                    | ((quantised(block[i + 1] * inverse) & 0xFF) << 8)
                    | ((quantised(block[i + 2] * inverse) & 0xFF) << 16)
                    | (quantised(block[i + 3] * inverse) << 24);
            dst.set(INT, quads + 16L * i, quad);
        }
    }

    /// Rounds half away from zero. The difference is exact, unlike `x + 0.5`, which may round up on its own.
    private static int quantised(float x) {
        int whole = (int) x;
        float rest = x - whole;
        return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
    }
}
