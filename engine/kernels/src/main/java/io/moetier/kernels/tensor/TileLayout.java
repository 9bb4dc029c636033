package io.moetier.kernels.tensor;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Where the parts of a row's block lie in the block that sixteen rows share; the table of [WeightMatrix] as numbers.
///
/// A part is a run of units of one, two or four bytes. Unit `i` of row `lane` becomes unit `16 i + lane` of the shared
/// part; parts follow each other. Kernels in C and CUDA have the same numbers from here, by layout.h and layout.cuh,
/// which are generated. Blocks of some types are opened first ([OpenBlocks]): what takes six bits takes a byte then,
/// and fifth bits lie as their weights do.
///
/// Rows go by way of arrays: an import is over before the compiler has made element access to segments fast.
public final class TileLayout {
    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    /// Units of a part from which on a loop over them is longer than one over a strip's blocks.
    private static final int MANY_UNITS = 8;

    private static final TileLayout F32 = new TileLayout(DType.F32, part("values", 4, 1, 0));
    private static final TileLayout F16 = new TileLayout(DType.F16, part("values", 2, 1, 0));
    private static final TileLayout BF16 = new TileLayout(2, null, part("values", 4, 1, 0));
    private static final TileLayout Q8_0 = new TileLayout(DType.Q8_0, part("d", 2, 1, 0), part("qs", 4, 8, 2));
    private static final TileLayout Q4_0 = new TileLayout(DType.Q4_0, part("d", 2, 1, 0), part("qs", 4, 4, 2));
    private static final TileLayout Q4_1 =
            new TileLayout(DType.Q4_1, part("d", 2, 1, 0), part("m", 2, 1, 2), part("qs", 4, 4, 4));
    private static final TileLayout Q5_0 = new TileLayout(
            DType.Q5_0,
            new FifthBits(2, DType.Q5_0.blockBytes()),
            part("d", 2, 1, 0),
            part("qh", 4, 1, 2),
            part("qs", 4, 4, 6));
    private static final TileLayout Q5_1 = new TileLayout(
            DType.Q5_1,
            new FifthBits(4, DType.Q5_1.blockBytes()),
            part("d", 2, 1, 0),
            part("m", 2, 1, 2),
            part("qh", 4, 1, 4),
            part("qs", 4, 4, 8));
    private static final TileLayout IQ4_XS = new TileLayout(
            DType.IQ4_XS, new CodedScales(), part("d", 2, 1, 0), part("scales", 1, 8, 2), part("qs", 4, 32, 10));
    private static final TileLayout MXFP4 = new TileLayout(DType.MXFP4, part("e", 1, 1, 0), part("qs", 4, 4, 1));
    private static final TileLayout Q2_K = new TileLayout(
            DType.Q2_K, part("d", 2, 1, 80), part("dmin", 2, 1, 82), part("scales", 1, 16, 0), part("qs", 4, 16, 16));
    private static final TileLayout Q3_K = new TileLayout(
            DType.Q3_K, part("d", 2, 1, 108), part("scales", 1, 12, 96), part("hmask", 4, 8, 0), part("qs", 4, 16, 32));
    private static final TileLayout Q4_K = new TileLayout(
            DType.Q4_K,
            new SixBitScales(DType.Q4_K.blockBytes()),
            part("d", 2, 1, 0),
            part("dmin", 2, 1, 2),
            part("scales", 1, 8, 4),
            part("mins", 2, 4, 12),
            part("qs", 4, 32, 20));
    private static final TileLayout Q5_K = new TileLayout(
            DType.Q5_K,
            new SixBitScales(DType.Q5_K.blockBytes()),
            part("d", 2, 1, 0),
            part("dmin", 2, 1, 2),
            part("scales", 1, 8, 4),
            part("mins", 2, 4, 12),
            part("qs", 4, 32, 52),
            part("qh", 4, 8, 20));
    private static final TileLayout Q6_K = new TileLayout(
            DType.Q6_K,
            part("d", 2, 1, 208),
            part("scales", 1, 16, 192),
            part("ql", 4, 16, 0),
            part("qh", 4, 8, 128),
            part("second_ql", 4, 16, 64),
            part("second_qh", 4, 8, 160));

    private static final TileLayout NVFP4 = new TileLayout(DType.NVFP4, part("d", 1, 4, 0), part("qs", 4, 8, 4));
    private static final TileLayout Q1_0 = new TileLayout(DType.Q1_0, part("d", 2, 1, 0), part("qs", 4, 4, 2));
    private static final TileLayout Q2_0 = new TileLayout(DType.Q2_0, part("d", 2, 1, 0), part("qs", 4, 4, 2));
    private static final TileLayout TQ1_0 =
            new TileLayout(DType.TQ1_0, part("d", 2, 1, 52), part("qs", 4, 12, 0), part("qh", 4, 1, 48));
    private static final TileLayout TQ2_0 = new TileLayout(DType.TQ2_0, part("d", 2, 1, 64), part("qs", 4, 16, 0));
    private static final TileLayout IQ1_S =
            new TileLayout(DType.IQ1_S, part("d", 2, 1, 0), part("qh", 2, 8, 34), part("qs", 4, 8, 2));
    private static final TileLayout IQ1_M =
            new TileLayout(DType.IQ1_M, part("scales", 2, 4, 48), part("qh", 2, 8, 32), part("qs", 4, 8, 0));
    private static final TileLayout IQ2_XXS = new TileLayout(DType.IQ2_XXS, part("d", 2, 1, 0), part("qs", 4, 16, 2));
    private static final TileLayout IQ2_XS =
            new TileLayout(DType.IQ2_XS, part("d", 2, 1, 0), part("scales", 1, 8, 66), part("qs", 4, 16, 2));
    private static final TileLayout IQ2_S = new TileLayout(
            DType.IQ2_S,
            part("d", 2, 1, 0),
            part("scales", 1, 8, 74),
            part("qh", 1, 8, 66),
            part("qs", 4, 8, 2),
            part("signs", 4, 8, 34));
    private static final TileLayout IQ3_XXS =
            new TileLayout(DType.IQ3_XXS, part("d", 2, 1, 0), part("qs", 4, 16, 2), part("signs", 4, 8, 66));
    private static final TileLayout IQ3_S = new TileLayout(
            DType.IQ3_S,
            part("d", 2, 1, 0),
            part("scales", 1, 4, 106),
            part("qh", 1, 8, 66),
            part("qs", 4, 16, 2),
            part("signs", 4, 8, 74));

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
    ///
    /// @param name as in the table of [WeightMatrix]
    record Part(String name, int unit, int count, int from, int to) {}

    private TileLayout(DType dtype, Part... parts) {
        this(dtype, null, parts);
    }

    private TileLayout(DType dtype, @Nullable OpenBlocks opening, Part... parts) {
        this(dtype.blockElements(), opening, parts);
    }

    /// @param parts in the order in which they follow each other in the shared block, wherever they are in a row's
    private TileLayout(int elements, @Nullable OpenBlocks opening, Part... parts) {
        this.elements = elements;
        this.opening = opening;
        this.parts = new Part[parts.length];
        int bytes = 0;
        for (int i = 0; i < parts.length; i++) {
            Part part = parts[i];
            this.parts[i] = new Part(part.name, part.unit, part.count, part.from, ROWS * bytes);
            bytes += part.unit * part.count;
        }
        blockBytes = bytes;
        table = table(bytes, this.parts);
    }

    private static MemorySegment table(int blockBytes, Part... parts) {
        IntStream numbers =
                Arrays.stream(parts).flatMapToInt(part -> IntStream.of(part.unit, part.count, part.from, part.to));
        return MemorySegment.ofArray(IntStream.concat(IntStream.of(blockBytes, parts.length), numbers)
                .toArray());
    }

    private static Part part(String name, int unit, int count, int from) {
        return new Part(name, unit, count, from, 0);
    }

    /// Returns the parts of the shared block, in order.
    List<Part> parts() {
        return List.of(parts);
    }

    /// Returns the bytes of a block of sixteen rows.
    public static int bytes(DType dtype) {
        return of(dtype).tileBlockBytes();
    }

    /// Returns where a part begins in a block of sixteen rows.
    ///
    /// @param part as the table of [WeightMatrix] calls it
    /// @throws IllegalArgumentException if rows of that type have no such part
    public static int at(DType dtype, String part) {
        return Stream.of(of(dtype).parts)
                .filter(candidate -> candidate.name.equals(part))
                .mapToInt(Part::to)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(dtype.label() + " has no " + part));
    }

    /// Returns the layout of a type.
    static TileLayout of(DType dtype) {
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
            case Q2_K -> Q2_K;
            case Q3_K -> Q3_K;
            case Q4_K -> Q4_K;
            case Q5_K -> Q5_K;
            case Q6_K -> Q6_K;
            case IQ4_XS -> IQ4_XS;
            case NVFP4 -> NVFP4;
            case Q1_0 -> Q1_0;
            case Q2_0 -> Q2_0;
            case TQ1_0 -> TQ1_0;
            case TQ2_0 -> TQ2_0;
            case IQ1_S -> IQ1_S;
            case IQ1_M -> IQ1_M;
            case IQ2_XXS -> IQ2_XXS;
            case IQ2_XS -> IQ2_XS;
            case IQ2_S -> IQ2_S;
            case IQ3_XXS -> IQ3_XXS;
            case IQ3_S -> IQ3_S;
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
        for (Part part : parts) {
            long from = at + part.to + (long) part.unit * lane;
            int step = part.unit * ROWS;
            if (part.count >= MANY_UNITS) {
                for (int b = 0; b < numBlocks; b++) {
                    long block = from + (long) b * tileBlockBytes();
                    collect(part, tile, block, step, row, b * blockBytes + part.from, part.unit, part.count);
                }
            } else {
                for (int i = 0; i < part.count; i++) {
                    long unit = from + (long) step * i;
                    collect(part, tile, unit, tileBlockBytes(), row, part.from + part.unit * i, blockBytes, numBlocks);
                }
            }
        }
    }

    private static void collect(
            Part part, MemorySegment src, long at, long step, byte[] dst, int to, int toStep, int count) {
        switch (part.unit) {
            case 4 -> collectWords(src, at, step, dst, to, toStep, count);
            case 2 -> collectHalves(src, at, step, dst, to, toStep, count);
            default -> collectBytes(src, at, step, dst, to, toStep, count);
        }
    }

    private static void collectWords(MemorySegment src, long at, long step, byte[] dst, int to, int toStep, int count) {
        for (int i = 0; i < count; i++) {
            INT.set(dst, to + i * toStep, src.get(LittleEndian.INT, at + i * step));
        }
    }

    private static void collectHalves(
            MemorySegment src, long at, long step, byte[] dst, int to, int toStep, int count) {
        for (int i = 0; i < count; i++) {
            SHORT.set(dst, to + i * toStep, src.get(LittleEndian.SHORT, at + i * step));
        }
    }

    private static void collectBytes(MemorySegment src, long at, long step, byte[] dst, int to, int toStep, int count) {
        for (int i = 0; i < count; i++) {
            dst[to + i * toStep] = src.get(LittleEndian.BYTE, at + i * step);
        }
    }
}
