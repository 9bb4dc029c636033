package io.moetier.runtime.hub;

import io.moetier.storage.thread.Uninterrupted;
import java.io.IOException;
import java.io.InterruptedIOException;

/// A thread that is stopped by an interrupt, but never while it works at a file: that would close the file for others.
final class Worker {
    private final Thread thread;
    private boolean stopped;

    /// What it does.
    interface Task {
        void run(Worker self);
    }

    /// What it does with a file.
    interface Step {
        void run() throws IOException;
    }

    private Worker(String name, Task task) {
        this.thread = Thread.ofPlatform().daemon().name(name).unstarted(() -> task.run(this));
    }

    static Worker start(String name, Task task) {
        Worker worker = new Worker(name, task);
        worker.thread.start();
        return worker;
    }

    /// Works at a file, unless it has been stopped.
    synchronized void atFile(Step step) throws IOException {
        if (stopped) {
            throw new InterruptedIOException("stopped");
        }
        step.run();
    }

    synchronized void stop() {
        stopped = true;
        thread.interrupt();
    }

    /// Waits until it has ended, whatever happens.
    void join() {
        Uninterrupted.join(thread);
    }
}
