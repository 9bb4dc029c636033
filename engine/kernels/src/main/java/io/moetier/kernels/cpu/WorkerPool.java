package io.moetier.kernels.cpu;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// A fixed number of threads, the caller among them, that work through the parts of one job at a time.
/*
 * Concurrency. The ticket holds a generation in its upper half and the number of parts nobody has taken in its lower
 * half. A part is taken by decrementing the ticket with compare-and-set, which fails if the generation has moved on;
 * so whoever takes a part may read the job, because the caller does not replace it before every part is done. The
 * count of parts lies in the ticket itself: read from a field, it could belong to another generation.
 *
 * Whoever waits, a worker for parts or the caller for the last of them, spins, then yields, then announces that it is
 * parked and looks once more. The other side writes the ticket, or the count of unfinished parts, before it reads the
 * announcement. All are volatile, so at least one of the two sees the other.
 *
 * When other processes want the cores, a worker that loses its core delays only the part it holds, and the caller takes
 * all others. It then has to wait for that part; it parks instead of taking naps, because the kernel moves a thread that
 * waits for a core to one that stays idle for a while. Nothing is allocated.
 */
final class WorkerPool implements AutoCloseable {
    private static final int SPINS = 3000;
    private static final int YIELDS = 100;

    private final AtomicLong ticket = new AtomicLong();
    private final AtomicInteger unfinished = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final AtomicBoolean busy = new AtomicBoolean();
    private final Worker[] workers;
    private volatile @Nullable Job job;
    private volatile @Nullable Thread parkedCaller;
    private volatile boolean closed;

    /// @param threads how many threads work, the caller included
    WorkerPool(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("there must be at least one thread, not " + threads);
        }
        workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(i + 1);
            workers[i].thread.start();
        }
    }

    /// Something that can be cut into parts, which run in any order on any thread.
    interface Job {
        /// Does one part.
        ///
        /// @param worker number of the running thread, below [WorkerPool#threads]; the caller is 0
        void run(int part, int worker);
    }

    int threads() {
        return workers.length + 1;
    }

    /// Runs `parts` parts of `next` and returns when all are done. If parts throw, the rest still runs, and the first
    /// exception is thrown here.
    ///
    /// @throws IllegalStateException if the pool is closed or another thread is inside this method
    void run(Job next, int parts) {
        if (closed || !busy.compareAndSet(false, true)) {
            throw new IllegalStateException(closed ? "the device is closed" : "two threads use one device");
        }
        try {
            if (parts == 1 || workers.length == 0) {
                for (int part = 0; part < parts; part++) {
                    next.run(part, 0);
                }
            } else if (parts > 1) {
                share(next, parts);
            }
        } finally {
            busy.set(false);
        }
    }

    private void share(Job next, int parts) {
        job = next;
        unfinished.set(parts);
        ticket.set(((ticket.get() >>> 32) + 1) << 32 | parts);
        for (int i = 0; i < workers.length && i < parts - 1; i++) {
            if (workers[i].parked) {
                LockSupport.unpark(workers[i].thread);
            }
        }
        while (takePart(0)) {}
        awaitOthers();
        Throwable thrown = failure.get();
        if (thrown != null) {
            failure.set(null);
            rethrow(thrown);
        }
    }

    private void awaitOthers() {
        for (int waits = 0; waits < SPINS + YIELDS && unfinished.get() > 0; waits++) {
            pause(waits);
        }
        if (unfinished.get() > 0) {
            parkedCaller = Thread.currentThread();
            while (unfinished.get() > 0) {
                LockSupport.park(this);
            }
            parkedCaller = null;
        }
    }

    private void finishPart() {
        if (unfinished.decrementAndGet() == 0) {
            LockSupport.unpark(parkedCaller); // null if it is not parked
        }
    }

    /// Does one part if there is one, and says whether there was.
    private boolean takePart(int worker) {
        long seen = ticket.get();
        int left = (int) seen;
        if (left == 0) {
            return false;
        }
        if (ticket.compareAndSet(seen, seen - 1)) {
            try {
                Job current = job;
                if (current != null) {
                    current.run(left - 1, worker);
                }
            } catch (Throwable t) { // a worker's top: the caller gets it
                failure.compareAndSet(null, t);
            } finally {
                finishPart();
            }
        }
        return true;
    }

    @SuppressWarnings("ThreadPriorityCheck") // a hint: correctness never depends on who runs next
    private static void pause(int waits) {
        if (waits < SPINS) {
            Thread.onSpinWait();
        } else {
            Thread.yield();
        }
    }

    private static void rethrow(Throwable thrown) {
        switch (thrown) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(thrown);
        }
    }

    /// Ends the threads and waits for them.
    @Override
    public void close() {
        closed = true;
        boolean interrupted = false;
        for (Worker worker : workers) {
            LockSupport.unpark(worker.thread);
        }
        for (Worker worker : workers) {
            interrupted |= joinIgnoringInterrupts(worker.thread);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean joinIgnoringInterrupts(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                return interrupted;
            } catch (InterruptedException e) {
                interrupted = true; // the caller gets it back once the threads are gone
            }
        }
    }

    private final class Worker implements Runnable {
        private final int number;
        private final Thread thread;
        private volatile boolean parked;

        Worker(int number) {
            this.number = number;
            this.thread = Thread.ofPlatform()
                    .daemon()
                    .name("moetier-kernel-" + number)
                    .unstarted(this);
        }

        @Override
        public void run() {
            int idle = 0;
            while (!closed) {
                if (takePart(number)) {
                    idle = 0;
                } else if (idle < SPINS + YIELDS) {
                    pause(idle++);
                } else {
                    parkUntilWoken();
                    idle = 0;
                }
            }
        }

        private void parkUntilWoken() {
            parked = true;
            if ((int) ticket.get() == 0 && !closed) {
                LockSupport.park(WorkerPool.this);
            }
            parked = false;
        }
    }
}
