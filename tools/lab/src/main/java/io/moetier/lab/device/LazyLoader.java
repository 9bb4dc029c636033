package io.moetier.lab.device;

import io.moetier.runtime.offload.Load;
import io.moetier.runtime.offload.TransferScheduler;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/// No loader: the thread that computes loads when it waits, beside a device whose time is computed and whose
/// [VirtualLoaders] are that thread, too. So nothing is held by a load that is not asked for yet.
final class LazyLoader<L extends Load> implements TransferScheduler<L> {
    private final Deque<L> submitted = new ArrayDeque<>();

    @Override
    public void submit(L load) {
        submitted.add(load);
    }

    @Override
    public @Nullable L poll() {
        return null;
    }

    @Override
    public L await() {
        L load = submitted.pollFirst();
        if (load == null) {
            throw new IllegalStateException("no load is under way");
        }
        load.run();
        load.collect();
        return load;
    }

    @Override
    public @Nullable L cancel() {
        return TransferScheduler.collected(submitted.pollFirst());
    }

    @Override
    public void close() {}
}
