package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Tier;
import java.util.BitSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(600)
class HostSequenceTest {
    private static final int SLOT = 64;
    private static final int SLOTS = 3;
    private static final int EXPERTS = 8;

    private final FakeSource source = new FakeSource(1, EXPERTS, SLOT);
    private final PinnedTier pinned = PinnedTier.open(
            source,
            new FakeDevice(),
            new Residency(1, (long) SLOTS * SLOT, Policies.of("lru")),
            new Counters(),
            Loaders.THREADS);
    private final HostSequence sequence =
            new HostSequence(pinned, new Counters(), new LoaderThreads<>(2, EXPERTS), EXPERTS);

    @AfterEach
    void free() {
        sequence.end();
        IntStream.range(0, EXPERTS).forEach(id -> assertTrue(pinned.hasRoomFor(id), "all slots are pinned"));
        pinned.close();
    }

    private void begin(int... experts) {
        sequence.begin();
        IntStream.of(experts).forEach(sequence::add);
    }

    private BitSet visitAll() {
        BitSet seen = new BitSet();
        while (sequence.next()) {
            for (int i = 0; i < sequence.size(); i++) {
                int expert = sequence.expert(i);
                assertFalse(seen.get(expert), "it came twice");
                assertTrue(FakeSource.holds(sequence.block(i), expert));
                seen.set(expert);
            }
        }
        return seen;
    }

    @Test
    void bringsMoreExpertsThanThereAreSlots() {
        for (int layer = 0; layer < 20; layer++) {
            begin(IntStream.range(0, EXPERTS).toArray());
            assertEquals(EXPERTS, visitAll().cardinality());
            assertTrue(sequence.isEmpty());
            sequence.close();
        }
    }

    @Test
    void bringsFirstWhatIsThere() {
        assertEquals(Tier.DISK, pinned.pin(5));
        pinned.unpin(5);
        begin(2, 5);
        assertTrue(sequence.isNextResident());
        assertTrue(sequence.next());
        assertEquals(5, sequence.expert(0));
        assertEquals(Tier.HOST, sequence.tier(0));
        assertTrue(sequence.next());
        assertEquals(2, sequence.expert(0));
        assertEquals(Tier.DISK, sequence.tier(0));
        assertFalse(sequence.next());
    }

    @Test
    void aReadThatFailsIsThrownAndTheNextLayerComes() {
        source.beforeRead = id -> {
            if (id == 1) {
                throw new MalformedModelException("damaged");
            }
        };
        begin(0, 1, 2);
        assertThrows(MalformedModelException.class, this::visitAll);
        sequence.close();
        source.beforeRead = id -> {};
        begin(0, 1, 2);
        assertEquals(3, visitAll().cardinality());
    }

    @Test
    void closedInTheMiddleOfALayerItGivesBackEverySlot() {
        begin(IntStream.range(0, EXPERTS).toArray());
        assertTrue(sequence.next());
        sequence.close();
        sequence.close();
        for (int id = 0; id < EXPERTS; id++) {
            assertTrue(pinned.hasRoomFor(id));
        }
    }

    /// Its loads pin every slot, and a loader waits for one more.
    @Test
    void endedInTheMiddleOfALayerItDoesNotWaitForItself() {
        begin(IntStream.range(0, EXPERTS).toArray());
        assertTrue(sequence.next());
        sequence.end();
        for (int id = 0; id < EXPERTS; id++) {
            assertTrue(pinned.hasRoomFor(id));
        }
    }
}
