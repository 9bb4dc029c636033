package io.moetier.storage.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.moetier.storage.memory.AnonymousMemory.Pages;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AnonymousMemoryTest {
    private static final long MORE_THAN_THIS_MACHINE_HAS = 1L << 42;

    @Test
    void isZeroPageAlignedAndWritable() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = AnonymousMemory.allocate(10_000, arena);
            assertEquals(10_000, memory.byteSize());
            assertEquals(0, memory.address() % 4096);
            assertEquals(0, memory.get(ValueLayout.JAVA_BYTE, 9_999));
            memory.set(ValueLayout.JAVA_BYTE, 9_999, (byte) 7);
            assertEquals(7, memory.get(ValueLayout.JAVA_BYTE, 9_999));
        }
    }

    @Test
    void startsWhereAHugePageCan() {
        try (Arena arena = Arena.ofShared()) {
            assertEquals(0, AnonymousMemory.allocate((2 << 20) + 1, arena).address() % (2 << 20));
        }
    }

    @Test
    void costsNothingUntilItIsTouched() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = AnonymousMemory.allocate(MORE_THAN_THIS_MACHINE_HAS, arena);
            memory.set(ValueLayout.JAVA_BYTE, MORE_THAN_THIS_MACHINE_HAS - 1, (byte) 1);
        }
    }

    @Test
    void endsWithItsArena() {
        MemorySegment memory;
        try (Arena arena = Arena.ofShared()) {
            memory = AnonymousMemory.allocate(4096, arena);
        }
        assertThrows(IllegalStateException.class, () -> memory.get(ValueLayout.JAVA_BYTE, 0));
    }

    @Test
    void discardedPagesAreZeroAndTheirNeighboursStay() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = AnonymousMemory.allocate(3L * AnonymousMemory.ALIGNMENT, arena);
            memory.fill((byte) 7);
            assumeTrue(AnonymousMemory.canDiscard(AnonymousMemory.ALIGNMENT));
            assertTrue(AnonymousMemory.discard(memory.asSlice(100, 2L * AnonymousMemory.ALIGNMENT)));
            assertTrue(AnonymousMemory.discard(memory.asSlice(100, 100)), "no page is in it");
            for (long i = 0; i < memory.byteSize(); i++) {
                boolean within = i / AnonymousMemory.ALIGNMENT == 1;
                assertEquals(within ? 0 : 7, memory.get(ValueLayout.JAVA_BYTE, i));
            }
            memory.fill((byte) 1);
        }
    }

    /// What is not ours is refused, as what is locked is.
    @Test
    @SuppressWarnings("restricted") // nothing reads it
    void whatTheSystemRefusesIsTold() {
        assertFalse(AnonymousMemory.discard(MemorySegment.NULL.reinterpret(1 << 20)));
    }

    /// The system rounds a length up, into whatever is behind.
    @ParameterizedTest
    @ValueSource(longs = {4 << 10, 16 << 10, 64 << 10})
    void ofPagesOfAnySizeThoseInBetweenGo(long page) {
        long at = 8 * page;
        assertEquals(new Pages(at, page), AnonymousMemory.wholePages(at, page + page / 2, page));
        assertEquals(new Pages(at + page, page), AnonymousMemory.wholePages(at + page / 2, 2 * page, page));
        assertEquals(new Pages(at + page, 0), AnonymousMemory.wholePages(at + 1, page, page));
        assertEquals(0, AnonymousMemory.wholePages(at, page - 1, page).byteSize());
        assertTrue(AnonymousMemory.fillsPages(3 * page, page));
        assertTrue(AnonymousMemory.fillsPages(16 * page + page / 4, page), "little is lost");
        assertFalse(AnonymousMemory.fillsPages(3 * page + page / 4, page));
    }
}
