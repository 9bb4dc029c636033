package io.moetier.runtime.offload;

import org.jspecify.annotations.Nullable;

/// Runs loads, begun in the order of submission. Called by the thread that computes; what else may happen at the same
/// time is told in [ExpertTiers].
public interface TransferScheduler<L extends Load> extends AutoCloseable {
    void submit(L load);

    /// Says whether loads come in plenty and nearly all are needed, as those of a prompt. Then more may be under way at
    /// the same time than where guesses stand among them, which cannot be taken back once they have begun. Not for
    /// copies to a device, which share one link and have a stream for each loader.
    default void stream(boolean on) {}

    /// Returns a load that ended, well or not, or null if none has since the last call.
    @Nullable
    L poll();

    /// Returns a load that ended, well or not, waiting for it if need be.
    ///
    /// @throws IllegalStateException if no load is under way
    L await();

    /// Takes back a load that no loader has begun, or returns null if there is none.
    @Nullable
    L cancel();

    /// Ends the loaders once they have done what was submitted.
    @Override
    void close();

    /// Returns `load`, of whose end the computation has learnt.
    static <L extends Load> @Nullable L collected(@Nullable L load) {
        if (load != null) {
            load.collect();
        }
        return load;
    }
}
