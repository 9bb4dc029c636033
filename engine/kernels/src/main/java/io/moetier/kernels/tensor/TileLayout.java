package io.moetier.kernels.tensor;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Where the parts of a row's block lie in the block that sixteen rows share; the table of [WeightMatrix] as numbers.
///
/// A part is a run of units of one, two or four bytes. Unit `i` of row `lane` becomes unit `16 i + lane` of the shared
/// part. Blocks of some types are opened first ([OpenBlocks]): what takes six bits takes a byte then, and fifth bits
/// lie as their weights do.
///
/// Rows go by way of arrays: an import is over before the compiler has made element access to segments fast.
final class TileLayout {
    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    /// Units of a part from which on a loop over them is longer than one over a strip's blocks.
    private static final int MANY_UNITS = 8;

    private static final TileLayout F32 = new TileLayout(1, 4, part(4, 1, 0, 0));
    private static final TileLayout F16 = new TileLayout(1, 2, part(2, 1, 0, 0));
    private static final TileLayout BF16 = new TileLayout(2, 4, part(4, 1, 0, 0));
    private static final TileLayout Q8_0 = new TileLayout(32, 34, part(2, 1, 0, 0), part(4, 8, 2, 32));
    private static final TileLayout Q4_0 = new TileLayout(32, 18, part(2, 1, 0, 0), part(4, 4, 2, 32));
    private static final TileLayout Q4_1 =
            new TileLayout(32, 20, part(2, 1, 0, 0), part(2, 1, 2, 32), part(4, 4, 4, 64));
    private static final TileLayout Q5_0 =
            new TileLayout(32, 22, new FifthBits(2, 22), part(2, 1, 0, 0), part(4, 1, 2, 32), part(4, 4, 6, 96));
    private static final TileLayout Q5_1 = new TileLayout(
            32, 24, new FifthBits(4, 24), part(2, 1, 0, 0), part(2, 1, 2, 32), part(4, 1, 4, 64), part(4, 4, 8, 128));
    private static final TileLayout IQ4_XS =
            new TileLayout(256, 138, new CodedScales(), part(2, 1, 0, 0), part(1, 8, 2, 32), part(4, 32, 10, 160));
    private static final TileLayout MXFP4 = new TileLayout(32, 17, part(1, 1, 0, 0), part(4, 4, 1, 16));
    private static final TileLayout Q4_K = new TileLayout(
            256,
            148,
            new SixBitScales(148),
            part(2, 1, 0, 0),
            part(2, 1, 2, 32),
            part(1, 8, 4, 64),
            part(2, 4, 12, 192),
            part(4, 32, 20, 320));
    private static final TileLayout Q5_K = new TileLayout(
            256,
            180,
            new SixBitScales(180),
            part(2, 1, 0, 0),
            part(2, 1, 2, 32),
            part(1, 8, 4, 64),
            part(2, 4, 12, 192),
            part(4, 32, 52, 320),
            part(4, 8, 20, 2368));
    private static final TileLayout Q6_K = new TileLayout(
            256,
            210,
            part(2, 1, 208, 0),
            part(1, 16, 192, 32),
            part(4, 16, 0, 288),
            part(4, 8, 128, 1312),
            part(4, 16, 64, 1824),
            part(4, 8, 160, 2848));

    /// Elements of a row that lie together.
    final int elements;

    /// Bytes of them, opened.
    final int blockBytes;

    /// How blocks are opened; null if they need not be.
    final @Nullable OpenBlocks opening;

    /// The same as `int`s: bytes of a block, number of parts, and unit, count, from and to of each.
    final MemorySegment table;

    private final Part[] parts;

    /// `count` units of `unit` bytes, from byte `from` of a row's block to byte `to` of the shared one.
    private record Part(int unit, int count, int from, int to) {}

    private TileLayout(int elements, int blockBytes, Part... parts) {
        this(elements, blockBytes, null, parts);
    }

    private TileLayout(int elements, int blockBytes, @Nullable OpenBlocks opening, Part... parts) {
        this.elements = elements;
        this.blockBytes = blockBytes;
        this.opening = opening;
        this.parts = parts;
        table = table(blockBytes, parts);
    }

    private static MemorySegment table(int blockBytes, Part... parts) {
        IntStream numbers =
                Arrays.stream(parts).flatMapToInt(part -> IntStream.of(part.unit, part.count, part.from, part.to));
        return MemorySegment.ofArray(IntStream.concat(IntStream.of(blockBytes, parts.length), numbers)
                .toArray());
    }

    private static Part part(int unit, int count, int from, int to) {
        return new Part(unit, count, from, to);
    }

    /// Returns the layout of a type; null if sixteen rows of it lie one after another.
    static @Nullable TileLayout of(DType dtype) {
        return switch (dtype) {
            case F32 -> F32;
            case F16 -> F16;
            case BF16 -> BF16;
            case Q8_0 -> Q8_0;
            case Q4_0, IQ4_NL -> Q4_0;
            case Q4_1 -> Q4_1;
            case Q5_0 -> Q5_0;
            case Q5_1 -> Q5_1;
            case MXFP4 -> MXFP4;
            case Q4_K -> Q4_K;
            case Q5_K -> Q5_K;
            case Q6_K -> Q6_K;
            case IQ4_XS -> IQ4_XS;
            case Q2_K, Q3_K -> null;
        };
    }

    /// Returns the bytes of a block of sixteen rows.
    int tileBlockBytes() {
        return ROWS * blockBytes;
    }

    /// Returns how many blocks hold `cols` elements, the last one perhaps in part.
    int blocks(int cols) {
        return (cols + elements - 1) / elements;
    }

    /// Spreads `numBlocks` blocks of a row, opened, over shared ones.
    void scatter(byte[] row, byte[] tile, int lane, int numBlocks) {
        for (Part part : parts) {
            int to = part.to + part.unit * lane;
            int step = part.unit * ROWS;
            if (part.count >= MANY_UNITS) {
                for (int b = 0; b < numBlocks; b++) {
                    int from = b * blockBytes + part.from;
                    move(part, row, from, part.unit, tile, b * tileBlockBytes() + to, step, part.count);
                }
            } else {
                for (int i = 0; i < part.count; i++) {
                    int from = part.from + part.unit * i;
                    move(part, row, from, blockBytes, tile, to + step * i, tileBlockBytes(), numBlocks);
                }
            }
        }
    }

    private static void move(Part part, byte[] src, int at, int step, byte[] dst, int to, int toStep, int count) {
        switch (part.unit) {
            case 4 -> moveWords(src, at, step, dst, to, toStep, count);
            case 2 -> moveHalves(src, at, step, dst, to, toStep, count);
            default -> moveBytes(src, at, step, dst, to, toStep, count);
        }
    }

    private static void moveWords(byte[] src, int at, int step, byte[] dst, int to, int toStep, int count) {
        for (int i = 0; i < count; i++) {
            INT.set(dst, to + i * toStep, (int) INT.get(src, at + i * step));
        }
    }

    private static void moveHalves(byte[] src, int at, int step, byte[] dst, int to, int toStep, int count) {
        for (int i = 0; i < count; i++) {
            SHORT.set(dst, to + i * toStep, (short) SHORT.get(src, at + i * step));
        }
    }

    private static void moveBytes(byte[] src, int at, int step, byte[] dst, int to, int toStep, int count) {
        for (int i = 0; i < count; i++) {
            dst[to + i * toStep] = src[at + i * step];
        }
    }

    /// Collects `numBlocks` blocks of a row, opened, from the shared ones at `at` of `tile`.
    void gather(MemorySegment tile, long at, byte[] row, int lane, int numBlocks) {
        for (int b = 0; b < numBlocks; b++) {
            for (Part part : parts) {
                long from = at + (long) b * tileBlockBytes() + part.to + (long) part.unit * lane;
                gather(part, tile, from, row, b * blockBytes + part.from);
            }
        }
    }

    private static void gather(Part part, MemorySegment tile, long at, byte[] row, int to) {
        long step = (long) part.unit * ROWS;
        for (int i = 0; i < part.count; i++) {
            switch (part.unit) {
                case 4 -> INT.set(row, to + 4 * i, tile.get(LittleEndian.INT, at + step * i));
                case 2 -> SHORT.set(row, to + 2 * i, tile.get(LittleEndian.SHORT, at + step * i));
                default -> row[to + i] = tile.get(LittleEndian.BYTE, at + step * i);
            }
        }
    }
}
