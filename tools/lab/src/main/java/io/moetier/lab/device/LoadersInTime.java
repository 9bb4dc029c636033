package io.moetier.lab.device;

import io.moetier.runtime.offload.Load;
import io.moetier.runtime.offload.Loaders;
import io.moetier.runtime.offload.TransferScheduler;

/// Loaders beside a device whose time is computed: no threads, so that time depends on no scheduling of them.
public final class LoadersInTime implements Loaders {
    private final HostClock clock;

    /// @param clock the host's time
    public LoadersInTime(HostClock clock) {
        this.clock = clock;
    }

    @Override
    public int count() {
        return THREADS.count();
    }

    @Override
    public int mostCount() {
        return count();
    }

    @Override
    public <L extends Load> TransferScheduler<L> ofDevice(int capacity) {
        return new VirtualLoaders<>(clock, count(), capacity);
    }

    @Override
    public <L extends Load> TransferScheduler<L> ofProcessor(int capacity) {
        return new LazyLoader<>();
    }

    @Override
    public double nanos() {
        return clock.nanos();
    }

    /// Counts what a processor is said to take, and lets that pass.
    @Override
    public double computed(long bytes, int rows, long measuredNanos) {
        double nanos = clock.processorNanos(bytes, rows);
        clock.set(clock.nanos() + nanos);
        return nanos;
    }
}
