package io.moetier.storage.format;

import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Turns one block of a quantised type into floats.
///
/// Every operation is one of float32 and in the order of ggml's own C code, so that the results have its
/// bits. Where an order matters it is written with parentheses; products and sums are never fused.
@FunctionalInterface
interface BlockDecoder {
    ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// Decodes the block at byte `at` of `src` to `dst` from index `to` on.
    void decode(MemorySegment src, long at, float[] dst, int to);

    /// Returns the decoder of a type.
    ///
    /// @throws IllegalArgumentException if the type has no blocks of several elements
    static BlockDecoder of(DType dtype) {
        return switch (dtype) {
            case Q8_0 -> SmallBlocks::decodeQ8;
            case Q4_0 -> SmallBlocks::decodeQ4;
            case Q4_1 -> SmallBlocks::decodeQ4WithOffset;
            case Q5_0 -> SmallBlocks::decodeQ5;
            case Q5_1 -> SmallBlocks::decodeQ5WithOffset;
            case Q2_K -> SuperBlocks::decodeQ2;
            case Q3_K -> SuperBlocks::decodeQ3;
            case Q4_K -> SuperBlocks::decodeQ4;
            case Q5_K -> SuperBlocks::decodeQ5;
            case Q6_K -> SuperBlocks::decodeQ6;
            case IQ4_NL -> CodedBlocks::decodeIq4Nl;
            case IQ4_XS -> CodedBlocks::decodeIq4Xs;
            case MXFP4 -> CodedBlocks::decodeMxfp4;
            case NVFP4 -> CodedBlocks::decodeNvfp4;
            case Q1_0 -> FewBitBlocks::decodeQ1;
            case Q2_0 -> FewBitBlocks::decodeQ2;
            case TQ1_0 -> FewBitBlocks::decodeTq1;
            case TQ2_0 -> FewBitBlocks::decodeTq2;
            case IQ1_S -> GridBlocks::decodeIq1S;
            case IQ1_M -> GridBlocks::decodeIq1M;
            case IQ2_XXS -> GridBlocks::decodeIq2Xxs;
            case IQ2_XS -> GridBlocks::decodeIq2Xs;
            case IQ2_S -> GridBlocks::decodeIq2S;
            case IQ3_XXS -> GridBlocks::decodeIq3Xxs;
            case IQ3_S -> GridBlocks::decodeIq3S;
            case F32, F16, BF16 -> throw new IllegalArgumentException(dtype.label() + " has no blocks");
        };
    }

    /// Returns the float16 at `at`.
    static float half(MemorySegment src, long at) {
        return Float.float16ToFloat(src.get(SHORT, at));
    }

    /// Returns the unsigned byte at `at`.
    static int unsigned(MemorySegment src, long at) {
        return src.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
    }
}
