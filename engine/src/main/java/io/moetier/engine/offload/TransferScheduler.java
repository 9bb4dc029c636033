package io.moetier.engine.offload;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Starts every copy of an expert, in the order of submission, on loader threads of its own.
///
/// Concurrency: the thread that computes submits and collects; the loaders do nothing but load. The two sides meet in
/// two queues and nowhere else.
final class TransferScheduler implements AutoCloseable {
    /// Some microseconds: a load that ends within them costs no sleep and no wake-up.
    private static final int SPINS = 100;

    private final ExpertSource source;
    private final TransferQueue submitted;
    private final TransferQueue finished;
    private final List<Thread> loaders = new ArrayList<>();

    /// Starts `numLoaders` threads; at most `capacity` transfers are under way at a time.
    ///
    /// @throws IllegalArgumentException if there is no loader
    TransferScheduler(ExpertSource source, int numLoaders, int capacity) {
        if (numLoaders < 1) {
            throw new IllegalArgumentException("expected at least 1 loader, found " + numLoaders);
        }
        this.source = source;
        submitted = new TransferQueue(capacity);
        finished = new TransferQueue(capacity);
        for (int i = 0; i < numLoaders; i++) {
            loaders.add(Thread.ofPlatform().daemon().name("moetier-loader-" + i).start(this::load));
        }
    }

    void submit(Transfer transfer) {
        submitted.put(transfer);
    }

    /// Returns a transfer that ended, well or not, or null if none has since the last call.
    @Nullable
    Transfer poll() {
        return finished.isEmpty() ? null : collected(finished.poll());
    }

    /// Returns a transfer that ended, well or not, waiting for it if need be.
    Transfer await() {
        for (int i = 0; i < SPINS && finished.isEmpty(); i++) {
            Thread.onSpinWait();
        }
        Transfer transfer = collected(finished.take());
        if (transfer == null) {
            throw new IllegalStateException("the transfer scheduler is closed");
        }
        return transfer;
    }

    /// Takes back a transfer that no loader has begun, or returns null if there is none.
    @Nullable
    Transfer cancel() {
        return collected(submitted.poll());
    }

    private static @Nullable Transfer collected(@Nullable Transfer transfer) {
        if (transfer != null) {
            transfer.collect();
        }
        return transfer;
    }

    /// Ends the loaders once they have done what was submitted.
    @Override
    public void close() {
        submitted.close();
        boolean interrupted = false;
        for (Thread loader : loaders) {
            while (loader.isAlive()) {
                try {
                    loader.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        finished.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void load() {
        for (Transfer next = submitted.take(); next != null; next = submitted.take()) {
            next.run(source);
            finished.put(next);
        }
    }
}
