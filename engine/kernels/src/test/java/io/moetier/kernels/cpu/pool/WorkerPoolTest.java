package io.moetier.kernels.cpu.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.testdata.Latches;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(600)
class WorkerPoolTest {
    @Test
    void runsEveryPartOfEveryJobOnce() {
        for (int threads : new int[] {1, 2, 5}) {
            try (WorkerPool pool = new WorkerPool(threads)) {
                for (int round = 0; round < 5000; round++) {
                    int parts = round % 23;
                    AtomicIntegerArray runs = new AtomicIntegerArray(23);
                    pool.run((part, worker) -> runs.incrementAndGet(part), parts);
                    for (int part = 0; part < 23; part++) {
                        assertEquals(part < parts ? 1 : 0, runs.get(part));
                    }
                }
            }
        }
    }

    @Test
    void wakesWorkersThatHaveParked() {
        try (WorkerPool pool = new WorkerPool(2)) {
            for (int round = 0; round < 20; round++) {
                while (workers().anyMatch(thread -> thread.getState() != Thread.State.WAITING)) {
                    Thread.onSpinWait();
                }
                CountDownLatch bothInside = new CountDownLatch(2);
                // returns only if a second thread takes part, so a lost wake-up runs into the timeout
                pool.run((part, worker) -> meet(bothInside), 2);
            }
        }
    }

    @Test
    void aCallerThatWaitsForLongParksAndIsWoken() {
        Thread caller = Thread.currentThread();
        try (WorkerPool pool = new WorkerPool(2)) {
            for (int round = 0; round < 5; round++) {
                CountDownLatch bothInside = new CountDownLatch(2);
                WorkerPool.Job job = (part, worker) -> {
                    meet(bothInside);
                    while (worker == 1 && caller.getState() != Thread.State.WAITING) {
                        LockSupport.parkNanos(100_000);
                    }
                };
                pool.run(job, 2);
            }
        }
    }

    private static Stream<Thread> workers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("moetier-kernel-"));
    }

    private static void meet(CountDownLatch latch) {
        latch.countDown();
        Latches.await(latch);
    }

    @Test
    void throwsTheExceptionOfAPartAndStaysUsable() {
        try (WorkerPool pool = new WorkerPool(3)) {
            for (int round = 0; round < 200; round++) {
                IllegalArgumentException thrown = new IllegalArgumentException("part 7");
                AtomicIntegerArray runs = new AtomicIntegerArray(16);
                WorkerPool.Job job = (part, worker) -> {
                    runs.incrementAndGet(part);
                    if (part == 7) {
                        throw thrown;
                    }
                };
                assertSame(thrown, assertThrows(IllegalArgumentException.class, () -> pool.run(job, 16)));
                for (int part = 0; part < 16; part++) {
                    assertEquals(1, runs.get(part));
                }
            }
        }
    }

    @Test
    void refusesASecondCallerAndUseAfterClose() {
        WorkerPool pool = new WorkerPool(2);
        WorkerPool.Job nothing = (part, worker) -> {};
        WorkerPool.Job nested = (part, worker) -> pool.run(nothing, 2);
        assertThrows(IllegalStateException.class, () -> pool.run(nested, 2));
        pool.run(nothing, 4);
        pool.close();
        assertThrows(IllegalStateException.class, () -> pool.run(nothing, 1));
    }

    @Test
    void endsTheThreadsItStartedIfALaterOneCannotBeStarted() {
        List<Thread> made = new ArrayList<>();
        OutOfMemoryError none = new OutOfMemoryError("no more threads");
        ThreadFactory twoAtMost = work -> {
            boolean starts = made.size() < 2;
            Thread thread = new Thread(work) {
                @Override
                public void start() {
                    if (!starts) {
                        throw none;
                    }
                    super.start();
                }
            };
            made.add(thread);
            return thread;
        };
        assertSame(none, assertThrows(OutOfMemoryError.class, () -> new WorkerPool(5, twoAtMost)));
        assertEquals(Thread.State.TERMINATED, made.get(0).getState());
        assertEquals(Thread.State.TERMINATED, made.get(1).getState());
    }
}
