package io.moetier.storage.thread;

import org.jspecify.annotations.Nullable;

/// Waits that no interrupt ends: what is waited for must have happened before the caller may go on. The caller's thread
/// is interrupted afterwards if it was meanwhile.
///
/// Allocates, unlike the waits of a decode step.
public final class Uninterrupted {
    private Uninterrupted() {}

    /// Waits for something; is called again after an interrupt.
    @FunctionalInterface
    public interface Wait {
        void run() throws InterruptedException;
    }

    /// Waits for a result; is called again after an interrupt.
    @FunctionalInterface
    public interface Request<T extends @Nullable Object, E extends Exception> {
        T run() throws InterruptedException, E;
    }

    /// Returns when `wait` has.
    public static void await(Wait wait) {
        Object _ = get(() -> {
            wait.run();
            return wait;
        });
    }

    /// Returns when a thread has ended.
    public static void join(Thread thread) {
        await(() -> thread.join()); // no method reference: a model checker does not see what that calls
    }

    /// Returns what `request` does.
    ///
    /// @throws E if it does
    public static <T extends @Nullable Object, E extends Exception> T get(Request<T, E> request) throws E {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return request.run();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
