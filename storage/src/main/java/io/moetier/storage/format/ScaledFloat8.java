package io.moetier.storage.format;

import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A matrix of `F8_E4M3` (Micikevicius et al. 2022, arXiv:2209.05433) with one factor for each block, in float32 as
/// DeepSeek-V3 is published, in bfloat16 as Qwen3 is, or a power of two (`F8_E8M0`, or its exponent in `U8`) as
/// DeepSeek-V4 is: read as the bfloat16 matrix that the conversion of DeepSeek-V3 makes, each product rounded to
/// nearest even. It keeps all four digits of a weight. The matrices of all experts may lie in one tensor, as Mistral
/// Small 4
/// is published: blocks are those of each matrix.
///
/// @param values `[rows, cols]`, or `[experts, rows, cols]`
/// @param scales `[ceil(rows / blockRows), ceil(cols / blockCols)]`, or that of each expert
record ScaledFloat8(RawTensor values, RawTensor scales, int blockRows, int blockCols) {
    /// The element type of the values.
    static final String DTYPE = "F8_E4M3";

    /// What the name of the factors has behind that of the values.
    static final String SCALES = "_scale_inv";

    /// What the name of the factors has instead where there is one for each row, or one for the matrix, and in files of
    /// compressed-tensors.
    private static final String PLAIN_SCALES = "_scale";

    private static final String WEIGHT = ".weight";
    private static final int EXPONENT_BIAS = 127;

    private static final int CHUNK = 1 << 16;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final float[] FLOATS = floats();

    /// @throws MalformedModelException if the values are no matrices, or the factors not one for each block
    ScaledFloat8 {
        if (!areMatrices(values)) {
            throw MalformedModelException.of(
                    values.file(), "tensor " + values.name() + ": shape", "a matrix of " + DTYPE, values.shape());
        }
        List<Long> expected = shape(values, blocks(rows(values), blockRows), blocks(cols(values), blockCols));
        if (!scales.shape().equals(expected) || (floatsOf(scales) == null && !arePowers(scales))) {
            throw MalformedModelException.of(
                    scales.file(),
                    "tensor " + scales.name(),
                    "F32, BF16, F16, F8_E8M0 or U8 " + expected + ", one for each " + blockRows + " x " + blockCols
                            + " of " + values.name(),
                    scales.dtype() + " " + scales.shape());
        }
    }

    /// Returns matrices with one factor for each row or one for all, as the FP8 checkpoints of GLM-4.5 have them, or
    /// for each block under the same name, as compressed-tensors has them; nothing if there are none.
    ///
    /// @throws MalformedModelException if there are others
    static Optional<ScaledFloat8> plain(
            RawTensor values, Map<String, RawTensor> tensors, int blockRows, int blockCols) {
        RawTensor scales = tensors.get(values.name() + PLAIN_SCALES);
        if (scales == null || !areMatrices(values)) {
            return Optional.empty();
        }
        Optional<ScaledFloat8> ofAll = ofAll(values, scales);
        if (ofAll.isPresent()) {
            return ofAll;
        }
        long rows = rows(values);
        int cols = cols(values);
        if (scales.shape().equals(shape(values, blocks(rows, blockRows), blocks(cols, blockCols)))) {
            return Optional.of(new ScaledFloat8(values, scales, blockRows, blockCols));
        }
        boolean areOfRows = count(scales) == rows * numMatrices(values);
        return Optional.of(
                new ScaledFloat8(values, areOfRows ? scales.inShape(shape(values, rows, 1)) : scales, 1, cols));
    }

    /// Returns matrices with one factor for all of each, as transformers has them where blocks have no size; nothing
    /// if there are more.
    static Optional<ScaledFloat8> ofAll(RawTensor values, RawTensor scales) {
        if (!areMatrices(values) || count(scales) != numMatrices(values)) {
            return Optional.empty();
        }
        int rows = Math.toIntExact(rows(values));
        return Optional.of(new ScaledFloat8(values, scales.inShape(shape(values, 1, 1)), rows, cols(values)));
    }

    private static boolean areMatrices(RawTensor values) {
        return values.shape().size() == 2 || values.shape().size() == 3;
    }

    private static long numMatrices(RawTensor values) {
        return values.shape().size() == 2 ? 1 : values.shape().getFirst();
    }

    private static long rows(RawTensor values) {
        return values.shape().get(values.shape().size() - 2);
    }

    private static int cols(RawTensor values) {
        return Math.toIntExact(values.shape().getLast());
    }

    /// Returns the shape of that many rows and columns for each matrix.
    private static List<Long> shape(RawTensor values, long rows, long cols) {
        return values.shape().size() == 2
                ? List.of(rows, cols)
                : List.of(values.shape().getFirst(), rows, cols);
    }

    private static long count(RawTensor scales) {
        return scales.shape().stream().reduce(1L, Math::multiplyExact);
    }

    /// Returns what DeepSeek-V4 calls the factors of a matrix.
    static String shortScales(String values) {
        int end = values.endsWith(WEIGHT) ? values.length() - WEIGHT.length() : values.length();
        return values.substring(0, end) + ".scale";
    }

    /// Returns of which type the factors are, if they are floats.
    private static @Nullable DType floatsOf(RawTensor scales) {
        return switch (scales.dtype()) {
            case "F32" -> DType.F32;
            case "BF16" -> DType.BF16;
            case "F16" -> DType.F16;
            default -> null;
        };
    }

    private static boolean arePowers(RawTensor scales) {
        return scales.dtype().equals(ElementType.F8_E8M0.name())
                || scales.dtype().equals(ElementType.U8.name());
    }

    private static long blocks(long length, int block) {
        return (length + block - 1) / block;
    }

    private static float[] floats() {
        float[] floats = new float[256];
        for (int code = 0; code < floats.length; code++) {
            int exponent = (code >> 3) & 15;
            int mantissa = code & 7;
            float size = exponent == 0
                    ? Math.scalb((float) mantissa, -9) // subnormal
                    : Math.scalb(8f + mantissa, exponent - 10);
            floats[code] = (code & 0x7F) == 0x7F ? Float.NaN : code < 128 ? size : -size;
        }
        return floats;
    }

    /// Returns the matrix as it is read.
    TensorInfo asBfloat16() {
        return new TensorInfo(
                values.name(), DType.BF16, values.shape(), values.file(), values.offset(), 2 * values.byteLength());
    }

    /// Something that reads bytes of tensors.
    interface Reader {
        void read(RawTensor tensor, long fromByte, MemorySegment dst);
    }

    /// Fills `dst` with bytes of the bfloat16 matrix from `fromByte` on.
    ///
    /// @throws IllegalArgumentException if these are not whole elements of it
    void read(long fromByte, MemorySegment dst, Reader reader) {
        if (fromByte % 2 != 0 || dst.byteSize() % 2 != 0) {
            throw new IllegalArgumentException(
                    "bytes " + fromByte + " + " + dst.byteSize() + " are no whole elements of " + values.name());
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment codes = arena.allocate(Math.min(CHUNK, dst.byteSize() / 2));
            for (long at = 0; at < dst.byteSize(); at += 2L * CHUNK) {
                int count = (int) Math.min(CHUNK, (dst.byteSize() - at) / 2);
                long first = (fromByte + at) / 2;
                reader.read(values, first, codes.asSlice(0, count));
                decode(codes, first, count, scalesOf(first, count, reader, arena), dst, at);
            }
        }
    }

    /// Returns in which row of blocks, of all matrices, a row of all matrices is.
    private long rowOfBlocks(long row) {
        long rows = rows(values);
        return row / rows * blocks(rows, blockRows) + row % rows / blockRows;
    }

    /// Returns the factors of the rows of blocks that have some of these elements.
    private float[] scalesOf(long first, int count, Reader reader, Arena arena) {
        long cols = cols(values);
        long perRow = scales.shape().getLast();
        long firstRow = rowOfBlocks(first / cols);
        long lastRow = rowOfBlocks((first + count - 1) / cols);
        DType type = floatsOf(scales);
        int elementBytes = type == null ? 1 : type.blockBytes();
        MemorySegment bytes = arena.allocate((lastRow - firstRow + 1) * perRow * elementBytes);
        reader.read(scales, firstRow * perRow * elementBytes, bytes);
        float[] floats = new float[Math.toIntExact(bytes.byteSize() / elementBytes)];
        if (type != null) {
            Floats.decode(type, bytes, floats.length, floats, 0);
            return floats;
        }
        for (int i = 0; i < floats.length; i++) {
            int exponent = bytes.get(ValueLayout.JAVA_BYTE, i) & 0xFF;
            floats[i] = exponent == 0xFF ? Float.NaN : Math.scalb(1f, exponent - EXPONENT_BIAS);
        }
        return floats;
    }

    private void decode(MemorySegment codes, long first, int count, float[] factors, MemorySegment dst, long at) {
        int cols = cols(values);
        int perRow = Math.toIntExact(scales.shape().getLast());
        long firstRow = rowOfBlocks(first / cols);
        for (int i = 0; i < count; ) {
            long row = (first + i) / cols;
            int factorsOfRow = (int) (rowOfBlocks(row) - firstRow) * perRow;
            int end = (int) Math.min(count, (row + 1) * cols - first);
            for (int col = (int) ((first + i) % cols); i < end; i++, col++) {
                float factor = factors[factorsOfRow + col / blockCols];
                float value = FLOATS[codes.get(ValueLayout.JAVA_BYTE, i) & 0xFF] * factor;
                dst.set(SHORT, at + 2L * i, bfloat16(value));
            }
        }
    }

    private static short bfloat16(float value) {
        int bits = Float.floatToIntBits(value);
        return (short) (Float.isNaN(value) ? bits >>> 16 : (bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }
}
