package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.Latches;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class LoaderThreadsTest extends TransferSchedulerContract {
    @Override
    TransferScheduler<Transfer> open() {
        return new LoaderThreads<>(1, LOADS);
    }

    @Test
    void closingWaitsForWhatWasSubmitted() {
        TransferScheduler<Transfer> scheduler = open();
        loads().forEach(scheduler::submit);
        scheduler.close();
        assertEquals(LOADS, begun.size());
    }

    @Test
    void takesBackTheOldestThatHasNotBegun() {
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch released = new CountDownLatch(1);
        source.beforeRead = id -> {
            first.countDown();
            Latches.await(released);
        };
        try (TransferScheduler<Transfer> scheduler = open()) {
            List<Transfer> loads = loads();
            loads.forEach(scheduler::submit);
            Latches.await(first);
            assertSame(loads.get(1), scheduler.cancel());
            released.countDown();
            assertSame(loads.get(0), scheduler.await());
        }
    }

    @Test
    void loadersLoadAtTheSameTimeAndNotOnTheCallingThread() {
        CountDownLatch both = new CountDownLatch(2);
        Thread caller = Thread.currentThread();
        source.beforeRead = id -> {
            assertNotEquals(caller, Thread.currentThread());
            both.countDown();
            Latches.await(both);
        };
        try (LoaderThreads<Transfer> scheduler = new LoaderThreads<>(2, LOADS)) {
            scheduler.submit(load(0));
            scheduler.submit(load(1));
            assertEquals(null, scheduler.await().failure());
            assertEquals(null, scheduler.await().failure());
        }
    }

    @Test
    void allLoadersWorkOnlyWhileLoadsStream() {
        CountDownLatch all = new CountDownLatch(3);
        source.beforeRead = id -> {
            all.countDown();
            Latches.await(all);
        };
        Crowd crowd = new Crowd();
        try (LoaderThreads<Transfer> scheduler = new LoaderThreads<>(1, 3, LOADS)) {
            scheduler.stream(true);
            for (int i = 0; i < 3; i++) {
                scheduler.submit(load(i));
            }
            for (int i = 0; i < 3; i++) {
                assertNull(scheduler.await().failure());
            }
            scheduler.stream(false);
            source.beforeRead = crowd;
            for (int i = 0; i < 200; i++) {
                scheduler.submit(load(0));
                scheduler.submit(load(1));
                assertNull(scheduler.await().failure());
                assertNull(scheduler.await().failure());
            }
        }
        assertEquals(1, crowd.most());
    }

    @Test
    void anInterruptEndsNoWaitAndIsKept() {
        Thread.currentThread().interrupt();
        try (TransferScheduler<Transfer> scheduler = open()) {
            scheduler.submit(load(0));
            Transfer _ = scheduler.await();
        }
        assertTrue(Thread.interrupted());
    }

    /// As where the system has no thread left.
    @Test
    void aLoaderThatCannotStartEndsThoseBeforeIt() {
        List<Thread> started = new ArrayList<>();
        OutOfMemoryError none = new OutOfMemoryError("unable to create native thread");
        assertSame(
                none,
                assertThrows(
                        OutOfMemoryError.class,
                        () -> new LoaderThreads<Transfer>(1, 3, LOADS, 0, load -> {
                                    if (started.size() == 2) {
                                        throw none;
                                    }
                                    started.add(new Thread(load));
                                    return started.getLast();
                                })
                                .close()));
        assertEquals(2, started.size());
        started.forEach(loader -> assertEquals(Thread.State.TERMINATED, loader.getState()));
    }

    @Test
    void refusesToHaveNoLoader() {
        assertThrows(IllegalArgumentException.class, () -> new LoaderThreads<>(0, 1).close());
    }
}
