package io.moetier.runtime.offload;

/// Threads of this process, whose work is measured by the system's clock.
record LoadersOnThreads(int count, int mostCount) implements Loaders {
    @Override
    public <L extends Load> TransferScheduler<L> ofDevice(int capacity) {
        return new LoaderThreads<>(count, mostCount, capacity);
    }

    @Override
    public <L extends Load> TransferScheduler<L> ofProcessor(int capacity) {
        return new LoaderThreads<>(count, capacity);
    }

    @Override
    public double nanos() {
        return System.nanoTime();
    }

    @Override
    public double computed(long bytes, int rows, long measuredNanos) {
        return measuredNanos;
    }
}
