package io.moetier.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@SuppressWarnings("MustBeClosedChecker") // closing one closes the arena in it
class LargePagesTest {
    private static final long PAGE = 2 << 20;

    @Test
    void segmentsOfAnySizeAreZeroAndAlignedAndEndWithTheArena() {
        MemorySegment[] segments = new MemorySegment[3];
        try (Arena arena = new LargePages(Arena.ofShared())) {
            long[] sizes = {100, PAGE - 1, PAGE + 5};
            for (int i = 0; i < sizes.length; i++) {
                segments[i] = arena.allocate(sizes[i], 64);
                assertEquals(sizes[i], segments[i].byteSize());
                assertEquals(0, segments[i].address() % 64);
                assertEquals(0, segments[i].get(JAVA_BYTE, sizes[i] - 1));
                segments[i].set(JAVA_BYTE, sizes[i] - 1, (byte) 7);
            }
            assertTrue(arena.scope().isAlive());
        }
        for (MemorySegment segment : segments) {
            assertFalse(segment.scope().isAlive());
            assertThrows(IllegalStateException.class, () -> segment.get(JAVA_BYTE, 0));
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void largeSegmentsStartWhereALargePageDoes() {
        try (Arena arena = new LargePages(Arena.ofShared())) {
            assertEquals(0, arena.allocate(PAGE, 64).address() % PAGE);
            assertEquals(0, arena.allocate(2 * PAGE + 1, 64).address() % PAGE);
        }
    }

    @Test
    void alignmentBeyondThatOfAPageIsKept() {
        try (Arena arena = new LargePages(Arena.ofShared())) {
            assertEquals(0, arena.allocate(PAGE, 4 * PAGE).address() % (4 * PAGE));
        }
    }
}
