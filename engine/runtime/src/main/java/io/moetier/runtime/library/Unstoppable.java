package io.moetier.runtime.library;

import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/// Work that nothing stops, such as a template or native code: a thread of its own does it, which whoever waits can
/// leave to itself.
final class Unstoppable {
    private static final long POLL_MILLIS = 20;

    private final AtomicInteger running = new AtomicInteger();

    /// Returns what `work` returns; nothing once `abandoned` says so or the waiting thread is interrupted, which it
    /// then stays. What was abandoned goes on, and what it uses must stay.
    <T> Optional<T> run(Supplier<T> work, BooleanSupplier abandoned) {
        FutureTask<T> task = new FutureTask<>(() -> {
            try {
                return work.get();
            } finally {
                running.decrementAndGet();
            }
        });
        running.incrementAndGet();
        Thread.ofPlatform().daemon().name("moetier-text").start(task);
        while (true) {
            try {
                return Optional.of(task.get(POLL_MILLIS, TimeUnit.MILLISECONDS));
            } catch (TimeoutException e) {
                if (abandoned.getAsBoolean()) {
                    return Optional.empty();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return Optional.empty();
            } catch (ExecutionException e) {
                throw unchecked(Objects.requireNonNull(e.getCause()));
            }
        }
    }

    /// Says whether nothing that was abandoned still runs.
    boolean isIdle() {
        return running.get() == 0;
    }

    private static RuntimeException unchecked(Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        return cause instanceof RuntimeException e ? e : new IllegalStateException(cause); // a supplier throws no other
    }
}
