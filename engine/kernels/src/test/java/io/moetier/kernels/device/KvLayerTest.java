package io.moetier.kernels.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KvLayerTest {
    private static final int HEADS = 3;
    private static final int HEAD_DIM = 5;
    private static final int VALUE_DIM = 3; // the first elements of what is negated
    private static final int POSITIONS = 600;

    @ParameterizedTest
    @EnumSource(KvType.class)
    void givesBackWhatWasStored(KvType type) {
        try (Arena arena = Arena.ofConfined()) {
            KvLayer layer = new KvLayer(arena, type, POSITIONS, HEADS, HEAD_DIM, VALUE_DIM);
            layer.reserve(POSITIONS);
            float[] row = new float[2 + HEADS * HEAD_DIM];
            for (int position = 0; position < POSITIONS; position++) {
                for (int i = 0; i < HEADS * HEAD_DIM; i++) {
                    row[2 + i] = position + i / 32f;
                }
                float[] negated = new float[row.length];
                for (int i = 0; i < row.length; i++) {
                    negated[i] = -row[i];
                }
                for (int head = 0; head < HEADS; head++) {
                    layer.store(position, head, row, 2 + head * HEAD_DIM, negated, 2 + head * HEAD_DIM);
                }
            }
            double step = type == KvType.F16 ? 0.25 : 0; // half of what float16 counts in from 512 on
            for (int position = 0; position < POSITIONS; position++) {
                for (int i = 0; i < HEADS * HEAD_DIM; i++) {
                    float expected = position + i / 32f;
                    assertEquals(expected, layer.key(i / HEAD_DIM, position, i % HEAD_DIM), step);
                    if (i % HEAD_DIM < VALUE_DIM) {
                        assertEquals(-expected, layer.value(i / HEAD_DIM, position, i % HEAD_DIM), step);
                    }
                }
            }
        }
    }

    @Test
    void whatFloat16CannotHoldBecomesItsLargestValue() {
        try (Arena arena = Arena.ofConfined()) {
            KvLayer layer = new KvLayer(arena, KvType.F16, 1, 1, 5);
            layer.reserve(1);
            float[] k = {65504f, 65520f, -1e9f, Float.POSITIVE_INFINITY, Float.NaN};
            layer.store(0, 0, k, 0, k, 0);
            float[] expected = {65504f, 65504f, -65504f, 65504f, Float.NaN};
            for (int d = 0; d < 5; d++) {
                assertEquals(expected[d], layer.key(0, 0, d));
                assertEquals(expected[d], layer.value(0, 0, d));
            }
        }
    }

    @Test
    void float16TakesHalfTheMemory() {
        assertEquals(2 * 2 * 8 * 128, KvLayer.bytesPerPosition(KvType.F16, 8, 128, 128));
        assertEquals(4 * 8 * (128 + 96), KvLayer.bytesPerPosition(KvType.F32, 8, 128, 96));
        try (Arena arena = Arena.ofConfined()) {
            KvLayer layer = new KvLayer(arena, KvType.F16, 300, 2, 8, 6);
            layer.reserve(300);
            long bytes = layer.keys(0).byteSize() + layer.values(0).byteSize();
            assertEquals(KvLayer.CHUNK_POSITIONS * KvLayer.bytesPerPosition(KvType.F16, 2, 8, 6), bytes);
        }
    }

    @Test
    void refusesPositionsBeyondItsCapacityAndThoseNeverStored() {
        try (Arena arena = Arena.ofConfined()) {
            KvLayer layer = new KvLayer(arena, KvType.F16, 300, 2, 8);
            layer.reserve(1);
            String message = String.valueOf(assertThrows(IllegalArgumentException.class, () -> layer.reserve(301))
                    .getMessage());
            assertTrue(message.contains("300 positions"), message);
            assertThrows(IllegalStateException.class, () -> layer.keys(1));
        }
    }
}
