package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.moetier.runtime.offload.TransferScheduler;
import java.util.List;
import org.junit.jupiter.api.Test;

class LazyLoaderTest extends LoadersInTimeContract {
    private final Thread caller = Thread.currentThread();

    @Override
    TransferScheduler<ListedLoad> open() {
        return new LazyLoader<>();
    }

    @Override
    void work() {
        assertSame(caller, Thread.currentThread());
    }

    @Test
    void runsNothingThatIsNotWaitedFor() {
        try (TransferScheduler<ListedLoad> scheduler = open()) {
            loads().forEach(scheduler::submit);
            assertNull(scheduler.poll());
            assertEquals(List.of(), begun);
            assertEquals(0, scheduler.await().number());
            assertEquals(List.of(0), begun);
        }
    }
}
