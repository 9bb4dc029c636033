package io.moetier.kernels.cpu.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
        for (int threads : new int[] {1, 2, 3, 16}) {
            int parts = Partition.taperedParts(threads, items, 32L * MEGABYTE);
            int end = 0;
            int shorter = 0;
            for (int part = 0; part < parts; part++) {
                assertEquals(end, Partition.taperedBound(part, parts, items));
                end = Partition.taperedBound(part + 1, parts, items);
                int length = end - Partition.taperedBound(part, parts, items);
                assertTrue(length >= shorter - 1, "part " + part + " has " + length + " items"); // rounding
                assertTrue(length > 0, "part " + part + " is empty");
                shorter = length;
            }
            assertEquals(items, end);
            int most = items / (4 * threads) + 1; // that a thread which loses its core holds up; 1 by rounding
            assertTrue(shorter <= most, "the longest part has " + shorter + " items");
        }
    }

    @Test
    void partsThatTaperOffAreAsManyAsPay() {
        assertTrue(Partition.taperedBound(10, 10, 512) - Partition.taperedBound(9, 10, 512) < 512 / 8);
        assertEquals(10, Partition.taperedParts(2, 512, 32L * MEGABYTE));
        assertEquals(32, Partition.taperedParts(1, 512, 32L * MEGABYTE));
        assertEquals(1, Partition.taperedParts(1, 512, MEGABYTE));
        assertEquals(1, Partition.taperedParts(2, 512, 1000));
        assertEquals(4, Partition.taperedParts(2, 4, 32L * MEGABYTE));
    }
}
