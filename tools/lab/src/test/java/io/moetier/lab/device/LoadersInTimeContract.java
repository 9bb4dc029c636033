package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.runtime.offload.TransferScheduler;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// What the engine expects of schedulers whose loads run on the thread that computes.
abstract class LoadersInTimeContract {
    static final int LOADS = 8;

    final List<Integer> begun = new ArrayList<>();
    private final List<Integer> collected = new ArrayList<>();

    /// Opens a scheduler with one loader, for [#LOADS] loads at a time.
    abstract TransferScheduler<ListedLoad> open();

    /// What a load does.
    void work() {}

    final ListedLoad load(int number) {
        return new ListedLoad(number, begun, collected, this::work);
    }

    final List<ListedLoad> loads() {
        return IntStream.range(0, LOADS).mapToObj(this::load).toList();
    }

    private static List<Integer> numbers() {
        return IntStream.range(0, LOADS).boxed().toList();
    }

    @Test
    void runsEachLoadOnceInTheOrderOfSubmissionAndReturnsItOnce() {
        try (TransferScheduler<ListedLoad> scheduler = open()) {
            loads().forEach(scheduler::submit);
            for (int i = 0; i < LOADS; i++) {
                assertEquals(i, scheduler.await().number());
            }
            assertNull(scheduler.poll());
        }
        assertEquals(numbers(), begun);
        assertEquals(numbers(), collected);
    }

    @Test
    void whatIsTakenBackIsNeverRunAndAllElseComes() {
        List<Integer> takenBack = new ArrayList<>();
        List<Integer> returned = new ArrayList<>();
        try (TransferScheduler<ListedLoad> scheduler = open()) {
            loads().forEach(scheduler::submit);
            for (ListedLoad load = scheduler.cancel(); load != null; load = scheduler.cancel()) {
                takenBack.add(load.number());
            }
            while (takenBack.size() + returned.size() < LOADS) {
                returned.add(scheduler.await().number());
            }
        }
        assertEquals(begun, returned);
        returned.addAll(takenBack); // the oldest ones began
        assertEquals(numbers(), returned);
        assertEquals(LOADS, collected.size());
    }

    @Test
    void withNothingUnderWayThereIsNothingToReturn() {
        try (TransferScheduler<ListedLoad> scheduler = open()) {
            for (int round = 0; round < 2; round++) {
                assertNull(scheduler.poll());
                assertNull(scheduler.cancel());
                assertThrows(IllegalStateException.class, scheduler::await);
                scheduler.submit(load(round));
                assertNotNull(scheduler.await());
            }
        }
    }
}
