package io.moetier.runtime.offload;

/// Who runs loads beside the thread that computes, and by which clock that is measured. Those of a device's tier read
/// from the tier below, those of the processor what it computes.
///
/// Threads, by the system's clock, unless the device comes with others ([DeviceWithLoaders]).
public interface Loaders {
    /// Threads of this process, two for each tier: one reads while the other checks what it has read. While experts
    /// [stream][TransferScheduler#stream(boolean)] there are four, as some of them wait for the pages of new slots.
    Loaders THREADS = new LoadersOnThreads(2, 4);

    /// Returns how many load at the same time for one tier.
    int count();

    /// Returns how many do while experts stream to main memory.
    int mostCount();

    /// Starts the loaders of a device's tier, for at most `capacity` loads at a time.
    <L extends Load> TransferScheduler<L> ofDevice(int capacity);

    /// Starts the loaders of what the processor computes beside devices, for at most `capacity` loads at a time.
    <L extends Load> TransferScheduler<L> ofProcessor(int capacity);

    /// Returns the nanoseconds since some point in time; from any thread that loads.
    double nanos();

    /// Is told that the processor took `measuredNanos` for experts of `bytes` together, each applied to about `rows`
    /// rows, and returns what that counts as.
    double computed(long bytes, int rows, long measuredNanos);
}
