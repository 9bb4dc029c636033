package io.moetier.engine.offload;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Loads on threads of its own.
///
/// Concurrency: the thread that computes submits and collects; the loaders do nothing but load. The two sides meet in
/// two queues and nowhere else.
final class LoaderThreads implements TransferScheduler {
    /// Some microseconds: a load that ends within them costs no sleep and no wake-up.
    private static final int SPINS = 100;

    private final ExpertSource source;
    private final TransferQueue submitted;
    private final TransferQueue finished;
    private final List<Thread> loaders = new ArrayList<>();

    /// Starts `numLoaders` threads; at most `capacity` transfers are under way at a time.
    ///
    /// @throws IllegalArgumentException if there is no loader
    LoaderThreads(ExpertSource source, int numLoaders, int capacity) {
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

    @Override
    public void submit(Transfer transfer) {
        submitted.put(transfer);
    }

    @Override
    public @Nullable Transfer poll() {
        return finished.isEmpty() ? null : TransferScheduler.collected(finished.poll());
    }

    @Override
    public Transfer await() {
        for (int i = 0; i < SPINS && finished.isEmpty(); i++) {
            Thread.onSpinWait();
        }
        Transfer transfer = TransferScheduler.collected(finished.take());
        if (transfer == null) {
            throw new IllegalStateException("the transfer scheduler is closed");
        }
        return transfer;
    }

    @Override
    public @Nullable Transfer cancel() {
        return TransferScheduler.collected(submitted.poll());
    }

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
