package io.moetier.runtime.offload;

import io.moetier.storage.thread.Uninterrupted;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/// Loads on threads of its own.
///
/// Concurrency: the thread that computes submits and collects, loaders run; the two sides meet in two queues. See
/// [ExpertTiers].
final class LoaderThreads<L extends Load> implements TransferScheduler<L> {
    /// Some microseconds: a load that ends within them costs no sleep and no wake-up.
    private static final int SPINS = 100;

    private final TransferQueue<L> submitted;
    private final TransferQueue<L> finished;
    private final List<Thread> loaders = new ArrayList<>();
    private final int numLoaders;
    private final int spins;
    private int numUnderWay; // submitted and not collected yet

    /// Starts `numLoaders` threads; at most `capacity` loads are under way at a time.
    ///
    /// @throws IllegalArgumentException if there is no loader
    LoaderThreads(int numLoaders, int capacity) {
        this(numLoaders, numLoaders, capacity, SPINS);
    }

    /// @param mostLoaders threads that are started; `numLoaders` of them work while loads do not
    ///     [stream][#stream(boolean)]
    LoaderThreads(int numLoaders, int mostLoaders, int capacity) {
        this(numLoaders, mostLoaders, capacity, SPINS);
    }

    /// @param spins how often a load that has not ended is looked for before the thread sleeps
    LoaderThreads(int numLoaders, int mostLoaders, int capacity, int spins) {
        this(
                numLoaders,
                mostLoaders,
                capacity,
                spins,
                Thread.ofPlatform().daemon().name("moetier-loader-", 0).factory());
    }

    /// @param threads makes the loaders; if one cannot be started, those before it are ended
    LoaderThreads(int numLoaders, int mostLoaders, int capacity, int spins, ThreadFactory threads) {
        if (numLoaders < 1) {
            throw new IllegalArgumentException("expected at least 1 loader, found " + numLoaders);
        }
        this.numLoaders = numLoaders;
        this.spins = spins;
        submitted = new TransferQueue<>(capacity);
        submitted.limit(numLoaders);
        finished = new TransferQueue<>(capacity);
        try {
            for (int i = 0; i < mostLoaders; i++) {
                Thread loader = threads.newThread(this::load);
                loader.start();
                loaders.add(loader);
            }
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    @Override
    public void stream(boolean on) {
        submitted.limit(on ? loaders.size() : numLoaders);
    }

    @Override
    public void submit(L load) {
        submitted.put(load);
        numUnderWay++;
    }

    @Override
    public @Nullable L poll() {
        return finished.isEmpty() ? null : collected(finished.poll());
    }

    @Override
    public L await() {
        if (numUnderWay == 0) {
            throw new IllegalStateException("no load is under way");
        }
        for (int i = 0; i < spins && finished.isEmpty(); i++) {
            Thread.onSpinWait();
        }
        L load = collected(finished.take());
        if (load == null) {
            throw new IllegalStateException("the transfer scheduler is closed");
        }
        return load;
    }

    @Override
    public @Nullable L cancel() {
        return collected(submitted.poll());
    }

    private @Nullable L collected(@Nullable L load) {
        if (load != null) {
            load.collect();
            numUnderWay--;
        }
        return load;
    }

    @Override
    public void close() {
        submitted.close();
        for (Thread loader : loaders) { // no method reference: a model checker does not see what that calls
            Uninterrupted.join(loader);
        }
        finished.close();
    }

    private void load() {
        for (L next = submitted.begin(); next != null; next = submitted.begin()) {
            next.run();
            submitted.end();
            finished.put(next);
        }
    }
}
