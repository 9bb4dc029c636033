package io.moetier.cli.terminal;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// While it is open, a Ctrl-C or `kill` interrupts the thread that opened it and gives it time to clean up.
public final class CleanStop implements AutoCloseable {
    private static final long MOST_SECONDS = 10; // about as long as supervisors wait before they kill

    private final Thread thread = Thread.currentThread();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread hook = new Thread(this::stop, "moetier-stop");

    private CleanStop() {}

    /// Begins to watch over the current thread.
    public static CleanStop open() {
        CleanStop stop = new CleanStop();
        Runtime.getRuntime().addShutdownHook(stop.hook);
        return stop;
    }

    @Override
    public void close() {
        closed.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // the process is ending already
        }
    }

    private void stop() {
        // On a thread of its own, for an interrupt waits until a write or sync that is under way has ended.
        Thread.ofPlatform().daemon().start(thread::interrupt);
        try {
            if (!closed.await(MOST_SECONDS, TimeUnit.SECONDS)) {
                return; // the next import clears away what is left
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
