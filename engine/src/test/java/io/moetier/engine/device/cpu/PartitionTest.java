package io.moetier.engine.device.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PartitionTest {
    private static final int MEGABYTE = 1 << 20;

    @Test
    void smallWorkStaysOnTheCallingThread() {
        assertEquals(1, Partition.parts(8, 100, 1000));
        assertEquals(1, Partition.parts(1, 100, 100L * MEGABYTE));
    }

    @Test
    void largeWorkIsCutIntoPartsThatHoldNobodyUp() {
        assertEquals(4, Partition.parts(2, 100, MEGABYTE));
        assertEquals(8, Partition.parts(2, 100, 5L * MEGABYTE));
        assertEquals(32, Partition.parts(2, 100, 32L * MEGABYTE));
        assertEquals(64, Partition.parts(16, 100, 32L * MEGABYTE));
    }

    @Test
    void thereAreNoMorePartsThanItems() {
        assertEquals(3, Partition.parts(2, 3, 100L * MEGABYTE));
    }

    @Test
    void partsCoverEveryItemOnce() {
        int end = 0;
        for (int part = 0; part < 7; part++) {
            assertEquals(end, Partition.bound(part, 7, 100));
            end = Partition.bound(part + 1, 7, 100);
        }
        assertEquals(100, end);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 8, 31, 32, 33, 127, 512, 3144})
    void partsThatTaperOffCoverEveryItemOnce(int items) {
        int parts = Partition.taperedParts(2, items, 32L * MEGABYTE);
        int end = 0;
        int shorter = 0;
        for (int part = 0; part < parts; part++) {
            assertEquals(end, Partition.taperedBound(part, parts, items));
            end = Partition.taperedBound(part + 1, parts, items);
            int length = end - Partition.taperedBound(part, parts, items);
            assertTrue(length >= shorter - 4, "part " + part + " has " + length + " items"); // rounding
            shorter = length;
        }
        assertEquals(items, end);
        assertTrue(shorter <= items / 4 + 4, "the longest part has " + shorter + " items");
    }

    @Test
    void partsThatTaperOffAreWholeFours() {
        int parts = Partition.taperedParts(2, 130, 32L * MEGABYTE);
        for (int part = 0; part < parts; part++) {
            assertEquals(0, Partition.taperedBound(part, parts, 130) % 4, "part " + part);
        }
    }

    @Test
    void fewItemsAreSharedNoneTheLess() {
        int[] bounds = IntStream.rangeClosed(0, 4)
                .map(part -> Partition.taperedBound(part, 4, 4))
                .toArray();
        assertArrayEquals(new int[] {0, 0, 1, 2, 4}, bounds);
    }

    @Test
    void partsThatTaperOffAreAsManyAsPay() {
        assertEquals(8, Partition.taperedParts(2, 512, 32L * MEGABYTE));
        assertEquals(32, Partition.taperedParts(1, 512, 32L * MEGABYTE));
        assertEquals(1, Partition.taperedParts(1, 512, MEGABYTE));
        assertEquals(1, Partition.taperedParts(2, 512, 1000));
        assertEquals(4, Partition.taperedParts(2, 4, 32L * MEGABYTE));
    }
}
