package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.moetier.kernels.device.HostClock;
import io.moetier.kernels.device.HostErrands;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class VirtualLoadersTest extends TransferSchedulerContract {
    private static final double LOAD_NANOS = 100;

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
            return 0;
        }

        @Override
        public void attend(HostErrands errands) {
            this.errands = errands;
        }
    }

    @Override
    TransferScheduler<Transfer> open() {
        return open(1);
    }

    private TransferScheduler<Transfer> open(int loaders) {
        return new VirtualLoaders(clock, loaders, LOADS);
    }

    private void takeTime() {
        source.beforeRead = id -> {
            begun.add(id);
            clock.now += LOAD_NANOS;
        };
    }

    @Test
    void waitingGoesToTheTimeAtWhichALoadEnds() {
        takeTime();
        try (TransferScheduler<Transfer> scheduler = open(2)) {
            loads().forEach(scheduler::submit);
            for (int i = 0; i < LOADS; i++) {
                assertEquals(i, scheduler.await().index());
                assertEquals(LOAD_NANOS * (1 + i / 2), clock.now);
            }
        }
    }

    @Test
    void aLoadIsLearntOfWhenItsTimeHasCome() {
        takeTime();
        try (TransferScheduler<Transfer> scheduler = open()) {
            Transfer load = load(0);
            scheduler.submit(load);
            clock.now = LOAD_NANOS - 1;
            assertNull(scheduler.poll());
            clock.now = LOAD_NANOS;
            assertSame(load, scheduler.poll());
        }
    }

    @Test
    void whatTheClockAsksForIsBegunInItsTime() {
        takeTime();
        try (TransferScheduler<Transfer> scheduler = open()) {
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
}
