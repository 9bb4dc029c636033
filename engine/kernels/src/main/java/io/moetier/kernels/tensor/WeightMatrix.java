package io.moetier.kernels.tensor;

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
/// | `Q4_1` | `[cols/32]` of float16 `d[16]`, `m[16]`, `qs` `[4][16][4]` | 320 |
/// | `Q5_0` | `[cols/32]` of float16 `d[16]`, `qh` `[16][4]`, `qs` `[4][16][4]` | 352 |
/// | `Q5_1` | `[cols/32]` of float16 `d[16]`, `m[16]`, `qh` `[16][4]`, `qs` `[4][16][4]` | 384 |
/// | `IQ4_NL` | as `Q4_0` | 288 |
/// | `MXFP4` | `[cols/32]` of `e[16]`, `qs` `[4][16][4]` | 272 |
/// | `Q2_K` | `[cols/256]` of float16 `d[16]`, `dmin[16]`, `scales` `[16][16]`, `qs` `[16][16][4]` | 1344 |
/// | `Q3_K` | `[cols/256]` of float16 `d[16]`, `scales` `[12][16]`, `hmask` `[8][16][4]`, `qs` `[16][16][4]` | 1760 |
/// | `Q4_K` | `[cols/256]` of float16 `d[16]`, `dmin[16]`, `scales` `[8][16]`, `mins` `[4][16][2]`, `qs` | 2368 |
/// | `Q5_K` | as `Q4_K`, then `qh` `[8][16][4]` | 2880 |
/// | `Q6_K` | `[cols/256]` of float16 `d[16]`, int8 `scales[16][16]`, two halves | 3360 |
/// | `IQ4_XS` | `[cols/256]` of float16 `d[16]`, int8 `scales[8][16]`, `qs` `[32][16][4]` | 2208 |
/// | `NVFP4` | `[cols/64]` of scales `d[4][16]`, `qs` `[8][16][4]` | 576 |
/// | `Q1_0` | `[cols/128]` of float16 `d[16]`, `qs` `[4][16][4]` | 288 |
/// | `Q2_0` | `[cols/64]` of float16 `d[16]`, `qs` `[4][16][4]` | 288 |
/// | `TQ1_0` | `[cols/256]` of float16 `d[16]`, `qs` `[12][16][4]`, `qh` `[16][4]` | 864 |
/// | `TQ2_0` | `[cols/256]` of float16 `d[16]`, `qs` `[16][16][4]` | 1056 |
/// | `IQ1_S` | `[cols/256]` of float16 `d[16]`, `qh` `[8][16][2]`, `qs` `[8][16][4]` | 800 |
/// | `IQ1_M` | `[cols/256]` of `scales` `[4][16][2]`, `qh` `[8][16][2]`, `qs` `[8][16][4]` | 896 |
/// | `IQ2_XXS` | `[cols/256]` of float16 `d[16]`, `qs` `[16][16][4]` | 1056 |
/// | `IQ2_XS` | `[cols/256]` of float16 `d[16]`, `scales` `[8][16]`, `qs` `[16][16][4]` | 1184 |
/// | `IQ2_S` | as `IQ2_XS` with `qh` `[8][16]` before `qs` `[8][16][4]`, `signs` `[8][16][4]` | 1312 |
/// | `IQ3_XXS` | `[cols/256]` of float16 `d[16]`, `qs` `[16][16][4]`, `signs` `[8][16][4]` | 1568 |
/// | `IQ3_S` | as `IQ2_S`, with `scales` `[4][16]`, `qs` `[16][16][4]` | 1760 |
///
/// `qs` of `Q4_K` are `[4][8][16][4]`; a half of `Q6_K` is `ql` `[16][16][4]`, `qh` `[8][16][4]`.
///
/// An element `[16][4]` is four bytes of each of sixteen rows: bytes `4i` to `4i + 3` of the row's own `qs` (`ql`,
/// `qh`, `hmask`) are element `i`; so two halves of a byte, and the bits of `qh`, mean what they mean in ggml's block.
/// `scales` and `mins` of `Q4_K` and `Q5_K` are the unpacked six bits; `mins` of two neighbours stand together.
/// `scales`
/// of `IQ4_XS` are the unpacked six bits less 32. Bit `i` of byte `j` of `qh` of `Q5_0` and `Q5_1` is the fifth of
/// weight
/// `4 i + j`.
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
        if (cols % dtype.blockElements() != 0) {
            throw new IllegalArgumentException(cols + " columns are not a whole number of " + dtype + " blocks");
        }
        TileLayout layout = TileLayout.of(dtype);
        return (long) layout.blocks(cols) * layout.tileBlockBytes();
    }

    /// Returns how many tiles of sixteen rows hold `rows` rows.
    public static int tiles(int rows) {
        return (rows + TILE_ROWS - 1) / TILE_ROWS;
    }

    /// Returns how many tiles of sixteen rows this matrix has.
    public int tiles() {
        return tiles(rows);
    }

    /// Returns one element, the float that ggml makes of it. Slow; [RowDecoder] reads whole rows.
    ///
    /// @throws IndexOutOfBoundsException if there is no such element
    public float get(int row, int col) {
        if (row < 0 || row >= rows || col < 0 || col >= cols) {
            throw new IndexOutOfBoundsException("[" + row + ", " + col + "] of [" + rows + ", " + cols + "]");
        }
        int blockElements = TileLayout.of(dtype).elements;
        int first = col / blockElements * blockElements;
        float[] block = new float[blockElements];
        new RowDecoder(blockElements).decode(this, row, first, Math.min(blockElements, cols - first), block, 0);
        return block[col - first];
    }
}
