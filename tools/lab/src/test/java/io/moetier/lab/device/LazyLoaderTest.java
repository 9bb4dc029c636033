package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.List;
import org.junit.jupiter.api.Test;

class LazyLoaderTest extends TransferSchedulerContract {
    @Override
    TransferScheduler<Transfer> open() {
        return new LazyLoader<>();
    }

    @Test
    void runsNothingThatIsNotWaitedForAndThatOnTheCallingThread() {
        Thread caller = Thread.currentThread();
        source.beforeRead = id -> {
            assertSame(caller, Thread.currentThread());
            begun.add(id);
        };
        try (TransferScheduler<Transfer> scheduler = open()) {
            List<Transfer> loads = loads();
            loads.forEach(scheduler::submit);
            assertNull(scheduler.poll());
            assertEquals(List.of(), begun);
            assertNull(scheduler.await().failure());
            assertEquals(List.of(0), begun);
        }
    }
}
