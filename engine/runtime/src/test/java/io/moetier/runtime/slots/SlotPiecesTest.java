package io.moetier.runtime.slots;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Tier;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SlotPiecesTest {
    private static final int SLOT = 16;
    private static final int LEAST = 2;
    private static final int PIECE = 2;
    private static final int SLOTS = LEAST + 15 * PIECE;

    private final Memory memory = new Memory();
    private final int[] ids =
            IntStream.range(0, SLOTS).map(expert -> ExpertId.pack(0, expert)).toArray();
    private final ExpertCache cache =
            new ExpertCache(ids, SLOTS, Policies.of("lru").create(ids, SLOTS));
    private final Slab slab = new Slab(SLOT);
    private final ElasticSlots slots = new ElasticSlots(
            List.of(new SlotPieces(cache, slab, memory, LEAST)),
            Tier.HOST,
            new Counters(),
            () -> 0,
            new ReentrantLock(),
            () -> {});

    /// Counts what is there.
    private static final class Memory implements SlabMemory {
        private final List<Arena> arenas = new ArrayList<>();
        private boolean refuses;
        private int discarded;

        @Override
        @SuppressWarnings("MustBeClosedChecker") // whoever asks for it owns it
        public Arena newArena() {
            Arena arena = Arena.ofShared();
            arenas.add(arena);
            return arena;
        }

        @Override
        public MemorySegment allocate(long byteSize, Arena arena) {
            return arena.allocate(byteSize);
        }

        @Override
        public boolean givesSlots(long slotBytes) {
            return true;
        }

        @Override
        public boolean discard(MemorySegment slot) {
            discarded += refuses ? 0 : 1;
            return !refuses;
        }

        long numPieces() {
            return arenas.stream().filter(arena -> arena.scope().isAlive()).count();
        }
    }

    private void fill() {
        for (int id : ids) {
            slab.writes(cache.reserve(id));
            cache.unpin(cache.slotOf(id));
        }
    }

    @Test
    void whereAddressesAreShortNoExpertGoesBeforeAPieceThatIsEmpty() {
        fill();
        assertTrue(slots.giveBack((SLOTS - LEAST) * SLOT, false));
        assertEquals(SLOTS - LEAST, memory.discarded);
        assertEquals(16, memory.numPieces());
        assertEquals(4L * SLOT, slots.takeAgain(4 * SLOT));
        assertEquals(SLOT, slots.partBytes());
        int left = cache.numSlots();
        assertTrue(slots.giveBack(5 * PIECE * SLOT, true));
        assertEquals(left, cache.numSlots());
        assertEquals(11, memory.numPieces());
        assertEquals(SLOTS - left, slots.moves().numAway());
    }

    /// Else a slot would take the addresses of all.
    @Test
    void whatWentAsAPieceComesAsOne() {
        fill();
        assertTrue(slots.giveBack(1, true));
        assertEquals(PIECE, slots.moves().numAway());
        assertEquals(15, memory.numPieces());
        assertEquals(PIECE * SLOT, slots.partBytes());
        assertEquals(0, slots.takeAgain(PIECE * SLOT - 1));
        assertEquals(PIECE * SLOT, slots.takeAgain(Long.MAX_VALUE));
        assertEquals(0, slots.moves().numAway());
        assertEquals(16, memory.numPieces());
        assertEquals(SLOT, slots.partBytes());
        assertEquals(PIECE * SLOT, slab.emptyBytes());
    }

    @Test
    void pagesThatDidNotGoAreNotToComeAgain() {
        memory.refuses = true;
        assertEquals(SLOTS * SLOT, slab.emptyBytes());
        fill();
        assertEquals(0, slab.emptyBytes());
        cache.pin(LEAST + 1); // so that the first slot of its piece goes alone
        assertTrue(slots.giveBack(1, false), "a piece, behind a slot of which nothing went");
        assertEquals((1 + PIECE) * SLOT, slots.awayBytes());
        slots.takeAgain(Long.MAX_VALUE);
        assertEquals(0, slots.awayBytes());
        assertEquals(PIECE * SLOT, slab.emptyBytes());
    }

    @Test
    void slotsThatWereNeverWrittenAreEmptyAgain() {
        assertTrue(slots.giveBack(3 * SLOT, false));
        assertEquals(3 * SLOT, slots.awayBytes());
        assertEquals((SLOTS - 3) * SLOT, slab.emptyBytes());
        slots.takeAgain(Long.MAX_VALUE);
        assertEquals(SLOTS * SLOT, slab.emptyBytes());
    }

    @Test
    void wherePagesDoNotGoPiecesDo() {
        fill();
        memory.refuses = true;
        assertTrue(slots.giveBack(PIECE * SLOT, false));
        assertEquals(15, memory.numPieces(), "freed is what is unmapped");
        assertEquals(PIECE * SLOT, slots.partBytes());
        assertTrue(slots.giveBack(Long.MAX_VALUE, false));
        assertEquals(LEAST, cache.numSlots());
        assertEquals(1, memory.numPieces());
        assertFalse(slots.giveBack(1, false));
        slots.takeAgain(Long.MAX_VALUE);
        assertEquals(SLOTS, cache.numSlots());
        assertEquals(0, slots.moves().numAway());
        assertEquals(16, memory.numPieces());
    }

    /// A lost device fails in both.
    @Test
    void whatCouldNotBeAllocatedIsThrownThoughGivingBackFailsToo() {
        IllegalStateException first = new IllegalStateException("nothing can be allocated");
        IllegalStateException then = new IllegalStateException("nothing can be given back");
        SlabMemory lost = new SlabMemory() {
            private int allocations;

            @Override
            public Arena newArena() {
                return new Unclosable(Arena.ofAuto(), then);
            }

            @Override
            public MemorySegment allocate(long byteSize, Arena arena) {
                if (allocations++ > 0) {
                    throw first;
                }
                return arena.allocate(byteSize);
            }
        };
        assertSame(
                first,
                assertThrows(IllegalStateException.class, () -> new SlotPieces(cache, new Slab(SLOT), lost, LEAST)));
    }

    private record Unclosable(Arena memory, RuntimeException failure) implements Arena {
        @Override
        public MemorySegment allocate(long byteSize, long byteAlignment) {
            return memory.allocate(byteSize, byteAlignment);
        }

        @Override
        public MemorySegment.Scope scope() {
            return memory.scope();
        }

        @Override
        public void close() {
            throw failure;
        }
    }
}
