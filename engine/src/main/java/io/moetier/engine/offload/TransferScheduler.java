package io.moetier.engine.offload;

import org.jspecify.annotations.Nullable;

/// Starts every copy of an expert, in the order of submission. Called by the thread that computes.
interface TransferScheduler extends AutoCloseable {
    void submit(Transfer transfer);

    /// Returns a transfer that ended, well or not, or null if none has since the last call.
    @Nullable
    Transfer poll();

    /// Returns a transfer that ended, well or not, waiting for it if need be.
    Transfer await();

    /// Takes back a transfer that no loader has begun, or returns null if there is none.
    @Nullable
    Transfer cancel();

    /// Ends the loaders once they have done what was submitted.
    @Override
    void close();

    /// Says that the computation has learnt of a transfer's end.
    static @Nullable Transfer collected(@Nullable Transfer transfer) {
        if (transfer != null) {
            transfer.collect();
        }
        return transfer;
    }
}
