package io.moetier.kernels.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.Floats;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class NonFiniteTest {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final NonFinite nonFinite = new NonFinite();

    @Test
    void knowsEveryHalf() {
        for (int count : new int[] {1, 2, 5}) {
            for (int at = 0; at < count; at++) {
                byte[] bytes = new byte[2 * count];
                MemorySegment weights = MemorySegment.ofArray(bytes);
                for (int bits = Short.MIN_VALUE; bits <= Short.MAX_VALUE; bits++) {
                    weights.fill((byte) (bits & 1)).set(HALF, 2L * at, (short) bits);
                    assertEquals(
                            !Float.isFinite(Float.float16ToFloat((short) bits)),
                            nonFinite.isIn(DType.F16, weights),
                            () -> "float16 " + weights.get(HALF, 0));
                    assertEquals(
                            !Float.isFinite(Float.intBitsToFloat(bits << 16)),
                            nonFinite.isIn(DType.BF16, weights),
                            () -> "bfloat16 " + weights.get(HALF, 0));
                }
            }
        }
    }

    @Test
    void knowsSinglePrecision() {
        float[] values = {
            0, -0f, 1, -1, Float.MIN_VALUE, Float.MAX_VALUE, -Float.MAX_VALUE, Float.NaN, Float.POSITIVE_INFINITY
        };
        for (float value : values) {
            for (float signed : new float[] {value, -value}) {
                MemorySegment weights = MemorySegment.ofArray(new byte[12]);
                weights.set(WORD, 4, Float.floatToRawIntBits(signed));
                assertEquals(!Float.isFinite(value), nonFinite.isIn(DType.F32, weights), "" + signed);
                assertEquals(!Float.isFinite(value), NonFinite.isIn(new float[] {1, signed}), "" + signed);
            }
        }
    }

    @Test
    void findsOneAmongMany() {
        int count = 10_001;
        MemorySegment weights = MemorySegment.ofArray(new byte[2 * count]);
        assertFalse(nonFinite.isIn(DType.BF16, weights));
        for (int at : new int[] {0, 1, 4095, 4096, 8191, 8192, count - 2, count - 1}) {
            weights.fill((byte) 0).set(HALF, 2L * at, (short) 0xFF80);
            assertTrue(nonFinite.isIn(DType.BF16, weights), "at " + at);
        }
    }

    @Test
    void looksAtTheScalesOfBlocks() {
        int[][] scales = {
            {0}, {0}, {0, 2}, {0}, {0, 2}, {80, 82}, {108}, {0, 2}, {0, 2}, {208}, {0}, {0}, {52}, {64}, {0}, {0}
        };
        DType[] types = {
            DType.Q8_0,
            DType.Q4_0,
            DType.Q4_1,
            DType.Q5_0,
            DType.Q5_1,
            DType.Q2_K,
            DType.Q3_K,
            DType.Q4_K,
            DType.Q5_K,
            DType.Q6_K,
            DType.IQ4_NL,
            DType.IQ4_XS,
            DType.TQ1_0,
            DType.TQ2_0,
            DType.IQ1_S,
            DType.IQ2_XXS
        };
        for (int i = 0; i < types.length; i++) {
            for (int at : scales[i]) {
                looksAtTheScale(types[i], scales[i], at);
            }
        }
    }

    /// Every other byte is one of a NaN.
    private void looksAtTheScale(DType dtype, int[] scales, int at) {
        int size = dtype.blockBytes();
        MemorySegment blocks = MemorySegment.ofArray(new byte[2 * size]).fill((byte) 0x7F);
        for (int scale : scales) {
            blocks.set(HALF, scale, (short) 0x3C00);
            blocks.set(HALF, size + scale, (short) 0x3C00);
        }
        assertFalse(nonFinite.isIn(dtype, blocks), dtype.label());
        blocks.set(HALF, size + at, (short) 0x7C00);
        assertTrue(nonFinite.isIn(dtype, blocks), dtype + " at " + at);
    }

    @Test
    void looksAtTheQuartersOfScales() {
        MemorySegment blocks = MemorySegment.ofArray(new byte[112]).fill((byte) 0x7F);
        float[] values = new float[512];
        for (int upper = 0; upper < 256; upper++) {
            blocks.set(ValueLayout.JAVA_BYTE, 55, (byte) 0);
            blocks.set(ValueLayout.JAVA_BYTE, 56 + 53, (byte) (upper << 4));
            blocks.set(ValueLayout.JAVA_BYTE, 56 + 55, (byte) upper);
            Floats.decode(DType.IQ1_M, blocks, 512, values, 0);
            assertEquals(NonFinite.isIn(values), nonFinite.isIn(DType.IQ1_M, blocks), "upper bits " + upper);
        }
    }

    @Test
    void everyScaleOfNvfp4IsFinite() {
        float[] values = new float[64];
        for (int scale = 0; scale < 256; scale++) {
            MemorySegment block = MemorySegment.ofArray(new byte[36]).fill((byte) scale);
            Floats.decode(DType.NVFP4, block, 64, values, 0);
            assertFalse(NonFinite.isIn(values), "scale " + scale);
            assertFalse(nonFinite.isIn(DType.NVFP4, block), "scale " + scale);
        }
    }

    @Test
    void looksAtTheExponentsOfMxfp4() {
        MemorySegment blocks = MemorySegment.ofArray(new byte[34]).fill((byte) 0xF7);
        float[] values = new float[64];
        for (int exponent = 0; exponent < 256; exponent++) {
            blocks.set(ValueLayout.JAVA_BYTE, 0, (byte) 127);
            blocks.set(ValueLayout.JAVA_BYTE, 17, (byte) exponent);
            Floats.decode(DType.MXFP4, blocks, 64, values, 0);
            assertEquals(NonFinite.isIn(values), nonFinite.isIn(DType.MXFP4, blocks), "exponent " + exponent);
        }
    }
}
