package io.moetier.kernels.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// The packed bytes against the table of [WeightMatrix], written out once more byte by byte.
class TileLayoutTest {
    private static final int ROWS = 21;
    private static final long SEED = 77;

    private final Arena arena = Arena.ofAuto();
    private final BitSet seen = new BitSet();
    private MemorySegment plain = MemorySegment.NULL;
    private MemorySegment packed = MemorySegment.NULL;
    private long row;
    private long block;
    private int lane;

    /// Checks what lies where for the block of every row.
    private void lays(DType dtype, int cols, int elements, int blockBytes, int tileBlockBytes, Runnable block) {
        plain = RandomWeights.rowMajor(arena, dtype, ROWS, cols, new Random(SEED));
        packed = RandomWeights.pack(arena, dtype, plain, ROWS, cols).bytes();
        int numBlocks = (cols + elements - 1) / elements;
        assertEquals(2L * numBlocks * tileBlockBytes, packed.byteSize(), dtype.label());
        seen.clear();
        for (int r = 0; r < ROWS; r++) {
            for (int b = 0; b < numBlocks; b++) {
                row = r * dtype.bytes(cols) + (long) b * blockBytes;
                lane = r % 16;
                this.block = ((long) (r / 16) * numBlocks + b) * tileBlockBytes;
                block.run();
            }
        }
        for (int i = 0; i < packed.byteSize(); i++) {
            assertTrue(seen.get(i) || packed.get(JAVA_BYTE, i) == 0, dtype + " has something at " + i);
        }
    }

    private void same(int from, int to) {
        is(plain.get(JAVA_BYTE, row + from), to);
    }

    private void is(int value, int to) {
        seen.set((int) block + to);
        assertEquals((byte) value, packed.get(JAVA_BYTE, block + to), () -> "lane " + lane + " at " + to);
    }

    private int unsigned(int at) {
        return plain.get(JAVA_BYTE, row + at) & 0xFF;
    }

    private void half(int from, int to) {
        same(from, to + 2 * lane);
        same(from + 1, to + 2 * lane + 1);
    }

    /// An array `[count / 4][16][4]`.
    private void quads(int from, int to, int count) {
        for (int j = 0; j < count; j++) {
            same(from + j, to + j / 4 * 64 + 4 * lane + j % 4);
        }
    }

    @Test
    void laysFloatsOutByColumns() {
        lays(DType.F32, 35, 1, 4, 64, () -> quads(0, 0, 4));
        lays(DType.F16, 35, 1, 2, 32, () -> half(0, 0));
        lays(DType.BF16, 34, 2, 4, 64, () -> quads(0, 0, 4));
    }

    @Test
    void padsAnOddColumnOfBfloat16() {
        lays(DType.BF16, 1, 2, 4, 64, () -> {
            quads(0, 0, 2);
            is(0, 4 * lane + 2);
            is(0, 4 * lane + 3);
        });
    }

    @Test
    void laysBlocksOf32Out() {
        lays(DType.Q8_0, 96, 32, 34, 544, () -> {
            half(0, 0);
            quads(2, 32, 32);
        });
        lays(DType.Q4_0, 96, 32, 18, 288, () -> {
            half(0, 0);
            quads(2, 32, 16);
        });
        lays(DType.IQ4_NL, 96, 32, 18, 288, () -> {
            half(0, 0);
            quads(2, 32, 16);
        });
        lays(DType.MXFP4, 96, 32, 17, 272, () -> {
            same(0, lane);
            quads(1, 16, 16);
        });
    }

    @Test
    void laysBlocksOf32WithOffsetsOrFifthBitsOut() {
        lays(DType.Q4_1, 96, 32, 20, 320, () -> {
            half(0, 0);
            half(2, 32);
            quads(4, 64, 16);
        });
        lays(DType.Q5_0, 96, 32, 22, 352, () -> {
            half(0, 0);
            fifths(2, 32);
            quads(6, 96, 16);
        });
        lays(DType.Q5_1, 96, 32, 24, 384, () -> {
            half(0, 0);
            half(2, 32);
            fifths(4, 64);
            quads(8, 128, 16);
        });
    }

    /// 32 bits one after another, of which that of weight `4 i + j` becomes bit `i` of byte `j`.
    private void fifths(int from, int to) {
        for (int j = 0; j < 4; j++) {
            int bits = 0;
            for (int i = 0; i < 8; i++) {
                int weight = 4 * i + j;
                bits |= ((unsigned(from + weight / 8) >> (weight % 8)) & 1) << i;
            }
            is(bits, to + 4 * lane + j);
        }
    }

    @Test
    void laysBlocksOf256Out() {
        lays(DType.Q2_K, 768, 256, 84, 1344, () -> {
            half(80, 0);
            half(82, 32);
            singles(0, 64, 16);
            quads(16, 320, 64);
        });
        lays(DType.Q3_K, 768, 256, 110, 1760, () -> {
            half(108, 0);
            singles(96, 32, 12);
            quads(0, 224, 32);
            quads(32, 736, 64);
        });
        lays(DType.Q4_K, 768, 256, 144, 2368, () -> {
            half(0, 0);
            half(2, 32);
            scales(4);
            quads(16, 320, 128);
        });
        lays(DType.Q5_K, 768, 256, 176, 2880, () -> {
            half(0, 0);
            half(2, 32);
            scales(4);
            quads(48, 320, 128);
            quads(16, 2368, 32);
        });
        lays(DType.Q6_K, 768, 256, 210, 3360, () -> {
            half(208, 0);
            for (int group = 0; group < 16; group++) {
                same(192 + group, 32 + 16 * group + lane);
            }
            quads(0, 288, 64);
            quads(128, 1312, 32);
            quads(64, 1824, 64);
            quads(160, 2848, 32);
        });
        lays(DType.IQ4_XS, 768, 256, 136, 2208, () -> {
            half(0, 0);
            for (int group = 0; group < 8; group++) {
                int lower = (unsigned(4 + group / 2) >> (group % 2 * 4)) & 15;
                int upper = (unsigned(2 + group / 4) >> (group % 4 * 2)) & 3;
                is((lower | upper << 4) - 32, 32 + 16 * group + lane);
            }
            quads(8, 160, 128);
        });
    }

    @Test
    void laysBlocksOfFewBitsOut() {
        lays(DType.NVFP4, 192, 64, 36, 576, () -> {
            singles(0, 0, 4);
            quads(4, 64, 32);
        });
        lays(DType.Q1_0, 256, 128, 18, 288, () -> {
            half(0, 0);
            quads(2, 32, 16);
        });
        lays(DType.Q2_0, 128, 64, 18, 288, () -> {
            half(0, 0);
            quads(2, 32, 16);
        });
        lays(DType.TQ1_0, 512, 256, 54, 864, () -> {
            half(52, 0);
            quads(0, 32, 48);
            quads(48, 800, 4);
        });
        lays(DType.TQ2_0, 512, 256, 66, 1056, () -> {
            half(64, 0);
            quads(0, 32, 64);
        });
    }

    @Test
    void laysBlocksOfPointsOut() {
        lays(DType.IQ1_S, 512, 256, 50, 800, () -> {
            half(0, 0);
            halves(34, 32, 8);
            quads(2, 288, 32);
        });
        lays(DType.IQ1_M, 512, 256, 56, 896, () -> {
            halves(48, 0, 4);
            halves(32, 128, 8);
            quads(0, 384, 32);
        });
        lays(DType.IQ2_XXS, 512, 256, 66, 1056, () -> {
            half(0, 0);
            quads(2, 32, 64);
        });
        lays(DType.IQ2_XS, 512, 256, 74, 1184, () -> {
            half(0, 0);
            singles(66, 32, 8);
            quads(2, 160, 64);
        });
        lays(DType.IQ2_S, 512, 256, 82, 1312, () -> {
            half(0, 0);
            singles(74, 32, 8);
            singles(66, 160, 8);
            quads(2, 288, 32);
            quads(34, 800, 32);
        });
        lays(DType.IQ3_XXS, 512, 256, 98, 1568, () -> {
            half(0, 0);
            quads(2, 32, 64);
            quads(66, 1056, 32);
        });
        lays(DType.IQ3_S, 512, 256, 110, 1760, () -> {
            half(0, 0);
            singles(106, 32, 4);
            singles(66, 96, 8);
            quads(2, 224, 64);
            quads(74, 1248, 32);
        });
    }

    private void singles(int from, int to, int count) {
        for (int j = 0; j < count; j++) {
            same(from + j, to + 16 * j + lane);
        }
    }

    private void halves(int from, int to, int count) {
        for (int j = 0; j < count; j++) {
            half(from + 2 * j, to + 32 * j);
        }
    }

    /// Eight scales and eight offsets of six bits, as ggml packs them into twelve bytes.
    private void scales(int at) {
        for (int j = 0; j < 8; j++) {
            int scale = j < 4 ? unsigned(at + j) & 63 : (unsigned(at + j + 4) & 15) | unsigned(at + j - 4) >> 6 << 4;
            int offset = j < 4 ? unsigned(at + j + 4) & 63 : unsigned(at + j + 4) >> 4 | unsigned(at + j) >> 6 << 4;
            is(scale, 64 + 16 * j + lane);
            is(offset, 192 + j / 2 * 32 + 2 * lane + j % 2);
        }
    }

    @Test
    void refusesToSayWhereAPartIsThatIsNotThere() {
        assertThrows(IllegalArgumentException.class, () -> TileLayout.at(DType.Q4_0, "qh"));
    }
}
