package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.moetier.runtime.offload.TransferScheduler;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class VirtualLoadersTest extends LoadersInTimeContract {
    private static final double LOAD_NANOS = 100;

    private double loadNanos;

    private final Clock clock = new Clock();

    private static final class Clock implements HostClock {
        private double now;
        private @Nullable HostErrands errands;

        @Override
        public double nanos() {
            return now;
        }

        @Override
        public void set(double nanos) {
            now = nanos;
        }

        @Override
        public double processorNanos(long bytes, int rows) {
            return 7;
        }

        @Override
        public void attend(HostErrands errands) {
            this.errands = errands;
        }
    }

    @Override
    TransferScheduler<ListedLoad> open() {
        return open(1);
    }

    private TransferScheduler<ListedLoad> open(int loaders) {
        return new VirtualLoaders<>(clock, loaders, LOADS);
    }

    @Override
    void work() {
        clock.now += loadNanos;
    }

    @Test
    void waitingGoesToTheTimeAtWhichALoadEnds() {
        loadNanos = LOAD_NANOS;
        try (TransferScheduler<ListedLoad> scheduler = open(2)) {
            loads().forEach(scheduler::submit);
            for (int i = 0; i < LOADS; i++) {
                assertEquals(i, scheduler.await().number());
                assertEquals(LOAD_NANOS * (1 + i / 2), clock.now);
            }
        }
    }

    @Test
    void aLoadIsLearntOfWhenItsTimeHasCome() {
        loadNanos = LOAD_NANOS;
        try (TransferScheduler<ListedLoad> scheduler = open()) {
            ListedLoad load = load(0);
            scheduler.submit(load);
            clock.now = LOAD_NANOS - 1;
            assertNull(scheduler.poll());
            clock.now = LOAD_NANOS;
            assertSame(load, scheduler.poll());
        }
    }

    @Test
    void whatTheClockAsksForIsBegunInItsTime() {
        loadNanos = LOAD_NANOS;
        try (TransferScheduler<ListedLoad> scheduler = open()) {
            scheduler.submit(load(0));
            scheduler.submit(load(1));
            HostErrands errands = Objects.requireNonNull(clock.errands);
            assertEquals(LOAD_NANOS, errands.nextNanos());
            assertEquals(List.of(0), begun);
            errands.runUntil(LOAD_NANOS);
            assertEquals(List.of(0, 1), begun);
            assertEquals(0, clock.now);
            assertEquals(Double.POSITIVE_INFINITY, errands.nextNanos());
        }
    }

    @Test
    void nothingIsRunAfterClosing() {
        TransferScheduler<ListedLoad> scheduler = open();
        loadNanos = LOAD_NANOS;
        loads().forEach(scheduler::submit);
        scheduler.close();
        clock.now = LOADS * LOAD_NANOS;
        ListedLoad load = scheduler.poll();
        assertSame(0, load == null ? -1 : load.number());
        assertEquals(List.of(0), begun);
    }

    /// What the processor computes passes in virtual time, whatever it took.
    @Test
    void theProcessorTakesWhatItIsSaidToTake() {
        assertEquals(7, new LoadersInTime(clock).computed(1000, 1, 1_000_000));
        assertEquals(7, clock.now);
    }
}
