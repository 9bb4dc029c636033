package io.moetier.cluster.copy;

import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.PartialStore;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.thread.Uninterrupted;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/// Brings blocks from other machines to this one's disk, in the background.
///
/// Concurrency: a few threads fetch, each with memory for one block, which bounds what is on its way. All that they
/// share is the queue, under its lock, which is not held while anything is read or written. No thread is interrupted,
/// for that would close files under others; whoever closes this has sources end their reads, and waits.
///
/// *Who dies.* A source that is gone fails its reads, and is asked again later. A disk that is full is told once, and
/// tried again after a minute or when something else is wanted. This process may die at any moment: what was whole is
/// found again, and the next one asks for exactly what is missing.
public final class BlockFetcher implements AutoCloseable {
    private static final Duration CANCEL_AGAIN = Duration.ofMillis(100);
    private static final long MOST_BYTES = 32L << 20; // on their way
    private static final int MOST_BLOCKS = 4;

    private final PartialStore store;
    private final Map<Integer, BlockLayout> layouts = new HashMap<>();
    private final BooleanSupplier busy;
    private final FetchListener listener;
    private final FetchQueue queue; // guarded by itself, as are the next three
    private final Set<String> told = new HashSet<>();
    private final List<BlockSource> called = new ArrayList<>(); // those that threads wait for
    private boolean closed;
    private final List<Thread> threads = new ArrayList<>();

    private BlockFetcher(PartialStore store, long mostBytes, BooleanSupplier busy, FetchListener listener) {
        this.store = store;
        this.busy = busy;
        this.listener = listener;
        queue = new FetchQueue(System.nanoTime());
        StoreManifest manifest = store.manifest();
        manifest.experts()
                .forEach(entry -> layouts.put(
                        entry.id().pack(),
                        manifest.sizeClasses().get(entry.sizeClass()).layout()));
        long largest = manifest.sizeClasses().stream()
                .mapToLong(sizeClass -> sizeClass.layout().slotBytes())
                .max()
                .orElse(1);
        int numThreads = Math.clamp(mostBytes / Math.max(1, largest), 1, MOST_BLOCKS);
        for (int i = 0; i < numThreads; i++) {
            threads.add(Thread.ofPlatform()
                    .name("moetier-fetch-" + (i + 1))
                    .daemon()
                    .unstarted(() -> work(largest)));
        }
    }

    /// Begins to fetch; nothing comes before something is wanted and there are sources.
    ///
    /// @param store which the caller closes after this
    /// @param busy says whether requests are computed, before which blocks step back
    public static BlockFetcher start(PartialStore store, BooleanSupplier busy, FetchListener listener) {
        return start(store, MOST_BYTES, busy, listener);
    }

    /// @param mostBytes that may be on their way at once; one block may always be
    static BlockFetcher start(PartialStore store, long mostBytes, BooleanSupplier busy, FetchListener listener) {
        BlockFetcher fetcher = new BlockFetcher(store, mostBytes, busy, listener);
        fetcher.threads.forEach(Thread::start);
        return fetcher;
    }

    /// Says what is wanted on this disk, instead of what was before; what is there is not fetched.
    ///
    /// @param ids packed, the most valuable first
    /// @throws IllegalArgumentException if the model has no such expert
    public void want(int[] ids) {
        List<Integer> lacking = new ArrayList<>();
        for (int id : ids) {
            if (!layouts.containsKey(id)) {
                throw new IllegalArgumentException("the model has no expert " + id);
            }
            if (!store.has(id)) {
                lacking.add(id);
            }
        }
        synchronized (queue) {
            queue.want(lacking, System.nanoTime());
            told.clear();
            queue.notifyAll();
        }
    }

    /// Says who can be asked from now on, in turn.
    public void sources(List<? extends BlockSource> sources) {
        synchronized (queue) {
            queue.sources(sources, System.nanoTime());
            queue.notifyAll();
        }
    }

    /// Stops, and returns when nothing is read or written any more.
    @Override
    public void close() {
        synchronized (queue) {
            closed = true;
            queue.notifyAll();
        }
        for (Thread thread : threads) {
            Uninterrupted.await(() -> {
                do {
                    cancel(); // again, for a read may begin after the first time
                } while (!thread.join(CANCEL_AGAIN));
            });
        }
    }

    private void cancel() {
        List<BlockSource> underWay;
        synchronized (queue) {
            underWay = List.copyOf(called);
        }
        underWay.forEach(BlockSource::cancel);
    }

    private void work(long slotBytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment slot = AnonymousMemory.allocate(slotBytes, arena);
            while (true) {
                switch (next()) {
                    case FetchQueue.Step.Fetch fetch -> fetch(fetch, slot);
                    case FetchQueue.Step.Refresh refresh -> refresh(refresh.source());
                    case FetchQueue.Step.Wait _ -> {
                        return;
                    }
                }
            }
        }
    }

    /// Waits until there is something to do; a wait that is returned is for ever.
    private FetchQueue.Step next() {
        while (true) {
            boolean isBusy = busy.getAsBoolean();
            synchronized (queue) {
                if (closed) {
                    return new FetchQueue.Step.Wait(Long.MAX_VALUE);
                }
                FetchQueue.Step step = queue.next(System.nanoTime(), isBusy);
                switch (step) {
                    case FetchQueue.Step.Wait(long nanos) -> await(nanos);
                    case FetchQueue.Step.Fetch _, FetchQueue.Step.Refresh _ -> {
                        return step;
                    }
                }
            }
        }
    }

    private void await(long nanos) {
        try {
            queue.wait(nanos == Long.MAX_VALUE ? 0 : TimeUnit.NANOSECONDS.toMillis(nanos) + 1);
        } catch (InterruptedException e) {
            closed = true; // nobody interrupts these threads but a JVM that ends
        }
    }

    private BlockLayout layout(int id) {
        return Objects.requireNonNull(layouts.get(id));
    }

    /// Something that a source may be long about.
    private interface Call {
        void run() throws IOException;
    }

    /// Calls a source, which whoever closes this cancels, also if it is no longer one of those to ask.
    private void call(BlockSource source, Call call) throws IOException {
        synchronized (queue) {
            called.add(source);
        }
        try {
            call.run();
        } finally {
            synchronized (queue) {
                called.remove(source);
            }
        }
    }

    private void refresh(FetchQueue.Asked asked) {
        try {
            call(asked.source(), asked.source()::refresh);
        } catch (BusyException e) {
            synchronized (queue) {
                queue.busy(asked, System.nanoTime());
            }
        } catch (IOException | RuntimeException e) {
            synchronized (queue) {
                queue.failed(asked, System.nanoTime());
            }
            tell(asked.source().name() + " does not say which experts it has: " + reason(e));
        }
    }

    private void fetch(FetchQueue.Step.Fetch fetch, MemorySegment slot) {
        BlockLayout layout = layout(fetch.id());
        BlockSource source = fetch.from().source();
        try {
            call(source, () -> source.read(fetch.id(), slot.asSlice(0, layout.slotBytes())));
        } catch (BusyException e) {
            synchronized (queue) {
                queue.busy(fetch, System.nanoTime());
                queue.notifyAll();
            }
            return;
        } catch (IOException | RuntimeException e) {
            failed(fetch, source.name() + " does not send " + ExpertId.unpack(fetch.id()) + ": " + reason(e));
            return;
        }
        try {
            store.put(fetch.id(), slot.asSlice(0, layout.blockBytes()));
        } catch (MalformedModelException e) {
            failed(fetch, source.name() + " sends what is not the expert: " + e.getMessage());
            return;
        } catch (IOException | RuntimeException e) {
            synchronized (queue) {
                queue.diskFailed(fetch, System.nanoTime());
            }
            tell("no more experts are kept on this disk for now: " + reason(e));
            return;
        }
        synchronized (queue) {
            queue.fetched(fetch, System.nanoTime());
            queue.notifyAll();
        }
        listener.ready(new int[] {fetch.id()});
    }

    private void failed(FetchQueue.Step.Fetch fetch, String sentence) {
        synchronized (queue) {
            queue.failed(fetch, System.nanoTime());
            queue.notifyAll();
        }
        tell(sentence);
    }

    /// Each sentence once, until something else is wanted.
    private void tell(String sentence) {
        boolean isNew;
        synchronized (queue) {
            isNew = !closed && told.add(sentence);
        }
        if (isNew) {
            listener.problem(sentence);
        }
    }

    private static String reason(Exception e) {
        return e instanceof IOException failure ? IoFailure.reason(failure) : String.valueOf(e.getMessage());
    }
}
