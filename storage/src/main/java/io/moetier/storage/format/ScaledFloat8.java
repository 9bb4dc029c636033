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
/// nearest even. It keeps all four digits of a weight.
///
/// @param values `[rows, cols]`
/// @param scales `[ceil(rows / blockRows), ceil(cols / blockCols)]`
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

    /// @throws MalformedModelException if the values are no matrix, or the factors not one for each block
    ScaledFloat8 {
        if (values.shape().size() != 2) {
            throw MalformedModelException.of(
                    values.file(), "tensor " + values.name() + ": shape", "a matrix of " + DTYPE, values.shape());
        }
        List<Long> expected = List.of(
                blocks(values.shape().getFirst(), blockRows),
                blocks(values.shape().getLast(), blockCols));
        if (!scales.shape().equals(expected) || (floatsOf(scales) == null && !arePowers(scales))) {
            throw MalformedModelException.of(
                    scales.file(),
                    "tensor " + scales.name(),
                    "F32, BF16, F16, F8_E8M0 or U8 " + expected + ", one for each " + blockRows + " x " + blockCols
                            + " of " + values.name(),
                    scales.dtype() + " " + scales.shape());
        }
    }

    /// Returns a matrix with one factor for each row or one for all, as the FP8 checkpoints of GLM-4.5 have them, or
    /// for each block under the same name, as compressed-tensors has them; nothing if there are none.
    ///
    /// @throws MalformedModelException if there are others
    static Optional<ScaledFloat8> plain(
            RawTensor values, Map<String, RawTensor> tensors, int blockRows, int blockCols) {
        RawTensor scales = tensors.get(values.name() + PLAIN_SCALES);
        if (scales == null || values.shape().size() != 2) {
            return Optional.empty();
        }
        Optional<ScaledFloat8> ofAll = ofAll(values, scales);
        if (ofAll.isPresent()) {
            return ofAll;
        }
        long rows = values.shape().getFirst();
        int cols = Math.toIntExact(values.shape().getLast());
        long count = count(scales);
        if (scales.shape().equals(List.of(blocks(rows, blockRows), blocks(cols, blockCols)))) {
            return Optional.of(new ScaledFloat8(values, scales, blockRows, blockCols));
        }
        return Optional.of(
                new ScaledFloat8(values, count == rows ? scales.inShape(List.of(rows, 1L)) : scales, 1, cols));
    }

    /// Returns a matrix with one factor for all of it, as transformers has it where blocks have no size; nothing
    /// if there are more.
    static Optional<ScaledFloat8> ofAll(RawTensor values, RawTensor scales) {
        if (count(scales) != 1 || values.shape().size() != 2) {
            return Optional.empty();
        }
        int rows = Math.toIntExact(values.shape().getFirst());
        int cols = Math.toIntExact(values.shape().getLast());
        return Optional.of(new ScaledFloat8(values, scales.inShape(List.of(1L, 1L)), rows, cols));
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

    /// Returns the factors of the rows of blocks that have some of these elements.
    private float[] scalesOf(long first, int count, Reader reader, Arena arena) {
        long cols = values.shape().getLast();
        long perRow = scales.shape().getLast();
        long firstRow = first / cols / blockRows;
        long lastRow = (first + count - 1) / cols / blockRows;
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
        long cols = values.shape().getLast();
        int perRow = Math.toIntExact(scales.shape().getLast());
        long firstBlockRow = first / cols / blockRows;
        for (int i = 0; i < count; i++) {
            long row = (first + i) / cols;
            int col = (int) ((first + i) % cols);
            float factor = factors[(int) (row / blockRows - firstBlockRow) * perRow + col / blockCols];
            float value = FLOATS[codes.get(ValueLayout.JAVA_BYTE, i) & 0xFF] * factor;
            dst.set(SHORT, at + 2L * i, bfloat16(value));
        }
    }

    private static short bfloat16(float value) {
        int bits = Float.floatToIntBits(value);
        return (short) (Float.isNaN(value) ? bits >>> 16 : (bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }
}
