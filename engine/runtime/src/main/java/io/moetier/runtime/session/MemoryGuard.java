package io.moetier.runtime.session;

import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.memory.MemoryLimit;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.function.Supplier;

/// Gives slots of experts back when memory gets short: a limit was lowered, or something else has grown.
///
/// A thread of its own looks at the limits four times a second, for that takes files to be read; the thread that
/// computes asks between steps what that has found, and alone gives back. It allocates nothing for that.
final class MemoryGuard implements AutoCloseable {
    private static final long PERIOD_MILLIS = 250;

    private final Supplier<List<MemoryLimit>> limits;
    private final LongConsumer giver;
    private final ScheduledExecutorService thread;
    private volatile long shortage;

    /// @param giver gives so many bytes back, or what it can
    MemoryGuard(Supplier<List<MemoryLimit>> limits, LongConsumer giver) {
        this.limits = limits;
        this.giver = giver;
        thread = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("moetier-memory").factory());
    }

    /// Begins to watch over the limits of this process.
    static MemoryGuard start(LongConsumer giver) {
        MemoryGuard guard = new MemoryGuard(AvailableMemory::limits, giver);
        ScheduledFuture<?> _ =
                guard.thread.scheduleWithFixedDelay(guard::look, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
        return guard;
    }

    /// Looks at the limits.
    void look() {
        shortage = MemoryBudget.shortage(limits.get(), 0);
    }

    /// Gives back what was found missing. To be called between steps by the thread that computes.
    void relieve() {
        if (shortage > 0) {
            makeRoom(0);
        }
    }

    /// Gives back what is missing for `bytes` of keys and values.
    ///
    /// @throws InvalidOptionException if too little is left even so
    void makeRoom(long bytes) {
        long missing = await(thread.submit(() -> MemoryBudget.shortage(limits.get(), bytes)));
        if (missing > 0) {
            giver.accept(missing);
            await(thread.submit(() -> MemoryBudget.tightest(limits.get(), bytes)))
                    .ifPresent(limit -> {
                        throw tooLong(bytes, limit);
                    });
        }
        shortage = 0; // until the next look
    }

    private static InvalidOptionException tooLong(long bytes, MemoryLimit limit) {
        return new InvalidOptionException(
                "contextLength",
                ByteSize.format(bytes)
                        + " more of keys and values are needed for the text, and no more experts can give way to"
                        + " them: they do not fit into the " + limit.left());
    }

    /// Waits, also where this thread is interrupted, which others hear of later.
    private static <T> T await(Future<T> found) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return found.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw new IllegalStateException("the limits of memory could not be read", e);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
