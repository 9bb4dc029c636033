package io.moetier.storage.expert;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;

/// Threads that work through tasks on files, for one calling thread, on which progress is told.
///
/// The threads are never interrupted: an interrupt closes the channel that a thread reads or writes, under all the
/// others. To end early, a task calls [#requireRunning] every few megabytes.
public final class TaskThreads implements AutoCloseable {
    private final ExecutorService threads;
    private volatile boolean stopped;

    /// What the calling thread does with other files while the tasks run.
    @FunctionalInterface
    public interface Meanwhile {
        void run() throws IOException;
    }

    /// @param name what the threads are called, before their number
    public TaskThreads(int count, String name) {
        threads = Executors.newFixedThreadPool(
                count, Thread.ofPlatform().name(name, 1).daemon(true).factory());
    }

    /// Does all tasks, and returns when the last one is done.
    ///
    /// @param tasks return how many bytes they have worked on
    /// @param progress told these numbers, in the order of the tasks
    /// @throws IOException the first failure of a task; or if this thread is interrupted, which stays interrupted
    public void run(List<Callable<Long>> tasks, LongConsumer progress) throws IOException {
        run(tasks, () -> {}, progress);
    }

    /// Does the same, and `meanwhile` on this thread before it waits.
    ///
    /// @throws IOException as the other method, or the failure of `meanwhile`
    public void run(List<Callable<Long>> tasks, Meanwhile meanwhile, LongConsumer progress) throws IOException {
        List<Future<Long>> results = new ArrayList<>();
        for (Callable<Long> task : tasks) {
            results.add(threads.submit(() -> {
                requireRunning();
                return task.call();
            }));
        }
        meanwhile.run();
        for (Future<Long> result : results) {
            progress.accept(await(result));
        }
    }

    /// Returns if the tasks are still wanted.
    ///
    /// @throws CancellationException if they are not
    public void requireRunning() {
        if (stopped) {
            throw new CancellationException();
        }
    }

    private static long await(Future<Long> result) throws IOException {
        if (Thread.currentThread().isInterrupted()) { // a task that has ended would not notice
            throw new InterruptedIOException("interrupted");
        }
        try {
            return result.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException failure -> throw failure;
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                case null, default -> throw new IllegalStateException(e);
            }
        }
    }

    /// Drops the tasks that have not begun, and waits for the others.
    @Override
    public void close() {
        stopped = true;
        boolean interrupted = Thread.interrupted(); // which would make close interrupt the threads
        threads.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
