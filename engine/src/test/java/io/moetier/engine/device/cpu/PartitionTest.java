package io.moetier.engine.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

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

    @Test
    void partsThatTaperOffCoverEveryItemOnce() {
        int parts = Partition.taperedParts(2, 512, 32L * MEGABYTE);
        int end = 0;
        int shorter = 0;
        for (int part = 0; part < parts; part++) {
            assertEquals(end, Partition.taperedBound(part, parts, 512));
            end = Partition.taperedBound(part + 1, parts, 512);
            int length = end - Partition.taperedBound(part, parts, 512);
            assertTrue(length >= shorter - 1, "part " + part + " has " + length + " items"); // rounding
            shorter = length;
        }
        assertEquals(512, end);
        assertTrue(shorter < 512 / 8, "the longest part has " + shorter + " items");
        assertEquals(32, Partition.taperedParts(1, 512, 32L * MEGABYTE));
        assertEquals(1, Partition.taperedParts(1, 512, MEGABYTE));
        assertEquals(1, Partition.taperedParts(2, 512, 1000));
        assertEquals(4, Partition.taperedParts(2, 4, 32L * MEGABYTE));
    }
}
