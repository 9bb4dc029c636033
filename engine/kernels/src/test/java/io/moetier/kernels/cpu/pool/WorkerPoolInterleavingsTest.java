package io.moetier.kernels.cpu.pool;

import io.moetier.testdata.ModelChecking;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.Lincheck;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The [WorkerPool] under a model checker: no part is lost or done twice, no wake-up is lost, whoever runs when.
@Timeout(600)
class WorkerPoolInterleavingsTest {
    private static final int INTERLEAVINGS = 250;

    /// The checker switches threads only at objects that it knows to be shared, which those in a static field are.
    static @Nullable WorkerPool shared;

    @Test
    void noInterleavingLosesAPartOrAWakeUp() throws IOException, InterruptedException {
        ModelChecking.check(WorkerPoolInterleavingsTest.class);
    }

    static void main() {
        Lincheck.runConcurrentTest(INTERLEAVINGS, () -> runJobs(1));
        Lincheck.runConcurrentTest(INTERLEAVINGS, () -> runJobs(2));
        Lincheck.runConcurrentTest(INTERLEAVINGS, WorkerPoolInterleavingsTest::meet);
        Lincheck.runConcurrentTest(INTERLEAVINGS, WorkerPoolInterleavingsTest::failInAPart);
    }

    private static WorkerPool pool() {
        WorkerPool pool = new WorkerPool(2, 0, 0, new Permits());
        shared = pool;
        return pool;
    }

    private static void runJobs(int jobs) {
        try (WorkerPool pool = pool()) {
            for (int job = 0; job < jobs; job++) {
                int[] runs = new int[2];
                pool.run((part, worker) -> runs[part]++, 2);
                require(runs[0] == 1 && runs[1] == 1, "parts ran " + runs[0] + " and " + runs[1] + " times");
            }
        }
    }

    /// The second part ends only if another thread does the first, so a worker that sleeps on is found out.
    private static void meet() {
        AtomicInteger inside = new AtomicInteger();
        Permits permits = new Permits();
        Thread[] threads = new Thread[2];
        WorkerPool.Job job = (part, worker) -> {
            threads[part] = Thread.currentThread();
            if (inside.incrementAndGet() == 2) {
                permits.unpark(threads[1 - part]);
            } else {
                permits.park(inside);
            }
        };
        try (WorkerPool pool = pool()) {
            pool.run(job, 2);
        }
    }

    private static void failInAPart() {
        IllegalArgumentException thrown = new IllegalArgumentException("part 1");
        WorkerPool.Job fails = (part, worker) -> {
            if (part == 1) {
                throw thrown;
            }
        };
        try (WorkerPool pool = pool()) {
            require(thrown.equals(failureOf(pool, fails)), "the failure was lost");
            require(failureOf(pool, (part, worker) -> {}) == null, "an old failure came again");
        }
    }

    private static @Nullable RuntimeException failureOf(WorkerPool pool, WorkerPool.Job job) {
        try {
            pool.run(job, 2);
            return null;
        } catch (IllegalArgumentException e) {
            return e;
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    /// Parks as the JVM does, but wakes nobody who was not woken: the checker would let such wake-ups come at any time,
    /// and miss those that are lost.
    private static final class Permits implements WorkerPool.Parking {
        private @Nullable Thread first;
        private @Nullable Thread second;

        @Override
        public synchronized void park(Object blocker) {
            while (!take(Thread.currentThread())) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
        }

        private boolean take(Thread thread) {
            boolean isFirst = thread == first;
            boolean isSecond = thread == second;
            first = isFirst ? null : first;
            second = isSecond ? null : second;
            return isFirst || isSecond;
        }

        @Override
        public synchronized void unpark(@Nullable Thread thread) {
            if (thread != null && thread != first && thread != second) {
                second = first == null ? second : thread;
                first = first == null ? thread : first;
                notifyAll();
            }
        }
    }
}
