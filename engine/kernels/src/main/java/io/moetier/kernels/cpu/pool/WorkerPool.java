package io.moetier.kernels.cpu.pool;

import io.moetier.storage.thread.Uninterrupted;
import java.util.Objects;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// A fixed number of threads, the caller among them, that work through the parts of one job at a time.
/*
 * Concurrency. Of the parts of a job, those below `left` have been taken by nobody. A part is taken by decrementing
 * `left` with compare-and-set, whichever job it belongs to by then: the caller publishes the job before `left`, and
 * replaces it only after every part is done. So whoever has taken a part may read the job.
 *
 * Whoever waits, a worker for parts or the caller for the last of them, spins, then yields, then announces that it is
 * parked and looks once more. The other side writes `left`, or the count of unfinished parts, before it reads the
 * announcement. All are volatile, so at least one of the two sees the other.
 *
 * When other processes want the cores, a worker that loses its core delays only the part it holds, and the caller takes
 * all others. It then has to wait for that part; it parks instead of taking naps, because the kernel moves a thread that
 * waits for a core to one that stays idle for a while. Nothing is allocated.
 */
public final class WorkerPool implements AutoCloseable {
    private static final int SPINS = 3000;
    private static final int YIELDS = 100;

    private final int spins;
    private final int yields;
    private final Parking parking;
    private final AtomicInteger left = new AtomicInteger();
    private final AtomicInteger unfinished = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final AtomicBoolean busy = new AtomicBoolean();
    private final Worker[] workers;
    private volatile @Nullable Job job;
    private volatile @Nullable Thread parkedCaller;
    private volatile boolean closed;

    /// @param threads how many threads work, the caller included
    public WorkerPool(int threads) {
        this(threads, SPINS, YIELDS, new ThreadParking());
    }

    /// @param makes the threads; if one cannot be started, those before it are ended
    WorkerPool(int threads, ThreadFactory makes) {
        this(threads, SPINS, YIELDS, new ThreadParking(), makes);
    }

    /// @param spins how often a thread looks again before it yields
    /// @param yields how often it yields before it parks
    WorkerPool(int threads, int spins, int yields, Parking parking) {
        this(
                threads,
                spins,
                yields,
                parking,
                Thread.ofPlatform().daemon().name("moetier-kernel-", 1).factory());
    }

    private WorkerPool(int threads, int spins, int yields, Parking parking, ThreadFactory makes) {
        if (threads < 1) {
            throw new IllegalArgumentException("there must be at least one thread, not " + threads);
        }
        this.spins = spins;
        this.yields = yields;
        this.parking = parking;
        workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(i + 1, makes);
        }
        try {
            for (Worker worker : workers) {
                worker.thread.start();
            }
        } catch (RuntimeException | Error e) {
            try (this) {
                throw e;
            }
        }
    }

    /// Something that can be cut into parts, which run in any order on any thread.
    public interface Job {
        /// Does one part.
        ///
        /// @param worker number of the running thread, below [WorkerPool#threads]; the caller is 0
        void run(int part, int worker);
    }

    /// How threads sleep and are woken, with the contract of [LockSupport].
    interface Parking {
        void park(Object blocker);

        void unpark(@Nullable Thread thread);
    }

    private static final class ThreadParking implements Parking {
        @Override
        public void park(Object blocker) {
            LockSupport.park(blocker);
        }

        @Override
        public void unpark(@Nullable Thread thread) {
            LockSupport.unpark(thread);
        }
    }

    public int threads() {
        return workers.length + 1;
    }

    /// Runs `parts` parts of `next` and returns when all are done. If parts throw, the rest still runs, and the first
    /// exception is thrown here.
    ///
    /// @throws IllegalStateException if the pool is closed or another thread is inside this method
    public void run(Job next, int parts) {
        requireOpen();
        if (!busy.compareAndSet(false, true)) {
            throw new IllegalStateException("two threads use one device");
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

    /// Wants a pool that is open.
    ///
    /// @throws IllegalStateException if it is closed
    public void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the device is closed");
        }
    }

    private void share(Job next, int parts) {
        job = next;
        unfinished.set(parts);
        left.set(parts);
        for (int i = 0; i < workers.length && i < parts - 1; i++) {
            if (workers[i].parked) {
                parking.unpark(workers[i].thread);
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
        for (int waits = 0; waits < spins + yields && unfinished.get() > 0; waits++) {
            pause(waits);
        }
        if (unfinished.get() > 0) {
            parkedCaller = Thread.currentThread();
            while (unfinished.get() > 0) {
                parking.park(this);
            }
            parkedCaller = null;
        }
    }

    private void finishPart() {
        if (unfinished.decrementAndGet() == 0) {
            parking.unpark(parkedCaller); // null if it is not parked
        }
    }

    /// Does one part if there is one, and says whether there was.
    private boolean takePart(int worker) {
        int seen = left.get();
        if (seen == 0) {
            return false;
        }
        if (left.compareAndSet(seen, seen - 1)) {
            try {
                Objects.requireNonNull(job).run(seen - 1, worker);
            } catch (Throwable t) { // a worker's top: the caller gets it
                failure.compareAndSet(null, t);
            } finally {
                finishPart();
            }
        }
        return true;
    }

    @SuppressWarnings("ThreadPriorityCheck") // a hint: correctness never depends on who runs next
    private void pause(int waits) {
        if (waits < spins) {
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
        for (Worker worker : workers) {
            parking.unpark(worker.thread);
        }
        for (Worker worker : workers) {
            Uninterrupted.join(worker.thread);
        }
    }

    private final class Worker implements Runnable {
        private final int number;
        private final Thread thread;
        private volatile boolean parked;

        Worker(int number, ThreadFactory makes) {
            this.number = number;
            this.thread = makes.newThread(this);
        }

        @Override
        public void run() {
            int idle = 0;
            while (!closed) {
                if (takePart(number)) {
                    idle = 0;
                } else if (idle < spins + yields) {
                    pause(idle++);
                } else {
                    parkUntilWoken();
                    idle = 0;
                }
            }
        }

        private void parkUntilWoken() {
            parked = true;
            if (left.get() == 0 && !closed) {
                parking.park(WorkerPool.this);
            }
            parked = false;
        }
    }
}
