package io.moetier.engine.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;

/// A weight matrix `[rows, cols]` in the layout the kernels read, called r16: sixteen rows interleaved, so that a
/// vector lane is a row and the whole matrix is one ascending stream.
///
/// | type | a tile of sixteen rows | bytes of a block of it |
/// | --- | --- | --- |
/// | `F32`, `F16` | `[cols][16]` | |
/// | `BF16` | `[cols/2][16][2]`, an odd `cols` padded to even | |
/// | `Q8_0` | `[cols/32]` of float16 `d[16]`, int8 `[8][16][4]` | 544 |
/// | `Q4_0` | `[cols/32]` of float16 `d[16]`, `qs` `[4][16][4]` | 288 |
/// | `MXFP4` | `[cols/32]` of `e[16]`, `qs` `[4][16][4]` | 272 |
/// | `Q4_K` | `[cols/256]` of float16 `d[16]`, `dmin[16]`, `scales` `[8][16]`, `mins` `[4][16][2]`, `qs`
/// `[4][8][16][4]` | 2368 |
/// | `Q5_K` | as `Q4_K`, then `qh` `[8][16][4]` | 2880 |
/// | `Q6_K` | `[cols/256]` of float16 `d[16]`, int8 `scales[16][16]`, twice (`ql` `[16][16][4]`, `qh` `[8][16][4]`) |
/// 3360 |
/// | others | sixteen rows one after another, as ggml stores them | |
///
/// An element `[16][4]` is four bytes of each of sixteen rows: bytes `4i` to `4i + 3` of the row's own `qs` (`ql`,
/// `qh`) are element `i`; so two halves of a byte, and the bits of `qh`, mean what they mean in ggml's block. `scales`
/// and `mins` of `Q4_K` and `Q5_K` are the unpacked six bits; `mins` of two neighbours stand together.
///
/// Rows are padded with zeros to a multiple of sixteen. Values are little-endian, as checkpoints store them. Float16
/// and bfloat16 weights are finite: the kernels do not look for infinities or NaNs.
///
/// The memory belongs to someone else, who keeps it alive while the matrix is in use. It is off-heap, aligned to
/// [#ALIGNMENT] bytes and never a mapped file, whose pages could fault in the middle of a kernel.
public record WeightMatrix(DType dtype, int rows, int cols, MemorySegment bytes) {
    /// How many rows are interleaved.
    public static final int TILE_ROWS = 16;

    /// Alignment of the memory in bytes: a cache line.
    public static final int ALIGNMENT = 64;

    private static final int Q8_0_BLOCK_BYTES = 544;
    private static final int Q8_0_SCALE_BYTES = 2 * TILE_ROWS;

    /// @throws IllegalArgumentException if the shape does not suit the type, or the memory is on the heap, misaligned
    /// or of another size than [#packedBytes]
    public WeightMatrix {
        long expected = packedBytes(dtype, rows, cols);
        if (bytes.byteSize() != expected) {
            throw new IllegalArgumentException("a " + dtype.label() + " matrix of " + rows + " x " + cols + " takes "
                    + expected + " bytes, not " + bytes.byteSize());
        }
        if (!bytes.isNative() || bytes.address() % ALIGNMENT != 0) {
            throw new IllegalArgumentException("weights must lie off-heap, aligned to " + ALIGNMENT + " bytes");
        }
    }

    /// Returns how many bytes a matrix takes.
    ///
    /// @throws IllegalArgumentException if there is no row or column, or `cols` is not a whole number of blocks
    public static long packedBytes(DType dtype, int rows, int cols) {
        if (rows <= 0 || cols <= 0) {
            throw new IllegalArgumentException("no matrix has " + rows + " rows and " + cols + " columns");
        }
        return Math.multiplyExact((long) tiles(rows), tileBytes(dtype, cols));
    }

    /// Returns how many bytes sixteen interleaved rows take.
    ///
    /// @throws IllegalArgumentException if `cols` is not a whole number of blocks
    public static long tileBytes(DType dtype, int cols) {
        return switch (dtype) {
            case F32 -> 4L * TILE_ROWS * cols;
            case F16 -> 2L * TILE_ROWS * cols;
            case BF16 -> 2L * TILE_ROWS * (cols + (cols & 1));
            default -> TILE_ROWS * dtype.bytes(cols);
        };
    }

    /// Returns how many tiles of sixteen rows hold `rows` rows.
    public static int tiles(int rows) {
        return (rows + TILE_ROWS - 1) / TILE_ROWS;
    }

    /// Returns how many tiles of sixteen rows this matrix has.
    public int tiles() {
        return tiles(rows);
    }

    /// Returns one element. Slow; this method is the definition of the layout.
    ///
    /// @throws IndexOutOfBoundsException if there is no such element
    public float get(int row, int col) {
        if (row < 0 || row >= rows || col < 0 || col >= cols) {
            throw new IndexOutOfBoundsException("[" + row + ", " + col + "] of [" + rows + ", " + cols + "]");
        }
        long tile = row / TILE_ROWS * tileBytes(dtype, cols);
        int lane = row % TILE_ROWS;
        return switch (dtype) {
            case F32 -> bytes.get(JAVA_FLOAT_UNALIGNED, tile + 4L * (col * 16L + lane));
            case F16 -> Float.float16ToFloat(bytes.get(JAVA_SHORT_UNALIGNED, tile + 2L * (col * 16L + lane)));
            case BF16 -> {
                long at = tile + 4L * (col / 2 * 16L + lane) + 2L * (col % 2);
                yield Float.intBitsToFloat(bytes.get(JAVA_SHORT_UNALIGNED, at) << 16);
            }
            case Q8_0 -> {
                long block = tile + (long) Q8_0_BLOCK_BYTES * (col / 32);
                float scale = Float.float16ToFloat(bytes.get(JAVA_SHORT_UNALIGNED, block + 2L * lane));
                int k = col % 32;
                long at = block + Q8_0_SCALE_BYTES + 4L * (k / 4 * 16L + lane) + k % 4;
                yield bytes.get(JAVA_BYTE, at) * scale;
            }
            default -> throw new UnsupportedOperationException(dtype + " weights");
        };
    }
}
