package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.slots.Slab;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What [ExpertTiers] expects of every [TransferScheduler].
@Timeout(600)
abstract class TransferSchedulerContract {
    static final int LOADS = 8;
    private static final int SLOT = 64;

    final FakeSource source = new FakeSource(1, LOADS, SLOT);
    final List<Integer> begun = Collections.synchronizedList(new ArrayList<>());
    private final Arena arena = Arena.ofShared();
    private final Slab slab = new Slab(SLOT);
    private final SlotReleases releases = new SlotReleases(new FakeDevice());

    TransferSchedulerContract() {
        slab.add(arena.allocate((long) LOADS * SLOT), LOADS);
        source.beforeRead = begun::add;
    }

    @AfterEach
    void free() {
        releases.close();
        arena.close();
    }

    /// Opens a scheduler with one loader, for [#LOADS] loads at a time.
    abstract TransferScheduler<Transfer> open();

    /// Returns a load of expert `i` into slot `i`.
    final Transfer load(int i) {
        return new Transfer(source, slab, i, releases).of(ExpertId.pack(0, i), i);
    }

    final List<Transfer> loads() {
        return IntStream.range(0, LOADS).mapToObj(this::load).toList();
    }

    private int runsOf(Transfer load) {
        return source.readsOf(0, load.index());
    }

    @Test
    void runsEachLoadOnceInTheOrderOfSubmissionAndReturnsItOnce() {
        List<Transfer> loads = loads();
        List<Transfer> returned = new ArrayList<>();
        try (TransferScheduler<Transfer> scheduler = open()) {
            loads.forEach(scheduler::submit);
            while (returned.size() < LOADS) {
                Transfer ended = scheduler.poll();
                returned.add(ended == null ? scheduler.await() : ended);
            }
            assertNull(scheduler.poll());
        }
        assertEquals(loads, returned);
        assertEquals(IntStream.range(0, LOADS).boxed().toList(), begun);
        loads.forEach(load -> assertTrue(FakeSource.holds(load.block(), load.id())));
    }

    @Test
    void aLoadIsUnderWayUntilTheComputationHasLearntOfItsEnd() {
        Transfer load = load(0);
        try (TransferScheduler<Transfer> scheduler = open()) {
            scheduler.submit(load);
            assertTrue(load.isUnderWay());
            assertEquals(load, scheduler.await());
            assertFalse(load.isUnderWay());
        }
    }

    @Test
    void whatIsTakenBackIsNeverRunAndAllElseComes() {
        List<Transfer> loads = loads();
        List<Transfer> takenBack = new ArrayList<>();
        List<Transfer> returned = new ArrayList<>();
        try (TransferScheduler<Transfer> scheduler = open()) {
            loads.forEach(scheduler::submit);
            for (Transfer load = scheduler.cancel(); load != null; load = scheduler.cancel()) {
                takenBack.add(load);
            }
            while (takenBack.size() + returned.size() < LOADS) {
                returned.add(scheduler.await());
            }
        }
        takenBack.forEach(load -> assertEquals(0, runsOf(load)));
        returned.forEach(load -> assertEquals(1, runsOf(load)));
        takenBack.forEach(load -> assertFalse(load.isUnderWay()));
        // oldest first; which of the two sides takes a load is a race where loaders are threads
        assertEquals(loads.stream().filter(takenBack::contains).toList(), takenBack);
        assertEquals(loads.stream().filter(load -> !takenBack.contains(load)).toList(), returned);
    }

    @Test
    void aLoadThatFailsComesWithItsFailureAndTheNextOnesCome() {
        source.beforeRead = id -> {
            if (id == 0) {
                throw new MalformedModelException("damaged");
            }
        };
        try (TransferScheduler<Transfer> scheduler = open()) {
            Transfer damaged = load(0);
            scheduler.submit(damaged);
            scheduler.submit(load(1));
            assertEquals(damaged, scheduler.await());
            assertInstanceOf(MalformedModelException.class, damaged.failure());
            assertNull(scheduler.await().failure());
        }
    }

    @Test
    void withNothingUnderWayThereIsNothingToReturn() {
        try (TransferScheduler<Transfer> scheduler = open()) {
            for (int round = 0; round < 2; round++) {
                assertNull(scheduler.poll());
                assertNull(scheduler.cancel());
                assertThrows(IllegalStateException.class, scheduler::await);
                scheduler.submit(load(round));
                assertNotNull(scheduler.await());
            }
        }
    }

    @Test
    void nothingIsRunAfterClosing() {
        TransferScheduler<Transfer> scheduler = open();
        loads().forEach(scheduler::submit);
        scheduler.close();
        int runs = begun.size();
        Transfer ended = scheduler.poll();
        assertTrue(ended == null || runsOf(ended) == 1);
        assertEquals(runs, begun.size());
    }
}
