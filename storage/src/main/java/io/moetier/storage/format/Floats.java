package io.moetier.storage.format;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Objects;

/// Turns stored elements into Java floats; the plain form against which the kernels' own conversions are
/// tested.
///
/// Quantised types have the bits that ggml's own conversion to float32 has. Files are little-endian whatever
/// the machine is.
public final class Floats {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final VarHandle FLOATS =
            MethodHandles.byteArrayViewVarHandle(float[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORTS =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    private Floats() {}

    /// Decodes the first `elements` elements of `src`, as the longer form does.
    public static void decode(DType dtype, MemorySegment src, int elements, float[] dst, int dstIndex) {
        decode(dtype, src, 0, elements, dst, dstIndex);
    }

    /// Decodes `elements` elements at byte `at` of `src` to `dst` from `dstIndex` on. Allocates nothing.
    ///
    /// @throws IllegalArgumentException if `elements` is not a whole number of blocks
    /// @throws IndexOutOfBoundsException if `src` or `dst` is too small
    public static void decode(DType dtype, MemorySegment src, long at, int elements, float[] dst, int dstIndex) {
        Objects.checkFromIndexSize(at, dtype.bytes(elements), src.byteSize());
        switch (dtype) {
            case F32 -> MemorySegment.copy(src, FLOAT, at, dst, dstIndex, elements);
            case F16 -> decodeFloat16(src, at, elements, dst, dstIndex);
            case BF16 -> decodeBfloat16(src, at, elements, dst, dstIndex);
            default -> decodeBlocks(dtype, src, at, elements, dst, dstIndex);
        }
    }

    /// Decodes `elements` elements that are in no blocks from the beginning of `src` to `dst` from `dstIndex`
    /// on. From an array, since the JVM reads arrays fast whatever other segments the program has read.
    ///
    /// @throws IllegalArgumentException if the type has blocks
    /// @throws IndexOutOfBoundsException if `src` or `dst` is too small
    public static void decode(DType dtype, byte[] src, int elements, float[] dst, int dstIndex) {
        Objects.checkFromIndexSize(0, dtype.bytes(elements), src.length);
        switch (dtype) {
            case F32 -> {
                for (int i = 0; i < elements; i++) {
                    dst[dstIndex + i] = (float) FLOATS.get(src, Float.BYTES * i);
                }
            }
            case F16 -> {
                for (int i = 0; i < elements; i++) {
                    dst[dstIndex + i] = Float.float16ToFloat((short) SHORTS.get(src, Short.BYTES * i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < elements; i++) {
                    dst[dstIndex + i] = Float.intBitsToFloat((short) SHORTS.get(src, Short.BYTES * i) << 16);
                }
            }
            default -> throw new IllegalArgumentException(dtype.label() + " has blocks");
        }
    }

    private static void decodeFloat16(MemorySegment src, long at, int elements, float[] dst, int dstIndex) {
        for (int i = 0; i < elements; i++) {
            dst[dstIndex + i] = Float.float16ToFloat(src.get(SHORT, at + 2L * i));
        }
    }

    private static void decodeBfloat16(MemorySegment src, long at, int elements, float[] dst, int dstIndex) {
        for (int i = 0; i < elements; i++) {
            dst[dstIndex + i] = Float.intBitsToFloat(src.get(SHORT, at + 2L * i) << 16);
        }
    }

    private static void decodeBlocks(DType dtype, MemorySegment src, long at, int elements, float[] dst, int dstIndex) {
        BlockDecoder decoder = BlockDecoder.of(dtype);
        long from = at;
        for (int i = 0; i < elements; i += dtype.blockElements()) {
            decoder.decode(src, from, dst, dstIndex + i);
            from += dtype.blockBytes();
        }
    }
}
