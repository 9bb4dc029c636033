package io.moetier.runtime.session;

import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.remote.ExpertShare;
import java.util.concurrent.locks.Lock;

/// The slots in main memory of an engine's tiers, or of those of a share.
///
/// @param ifIdle runs what it is given if no step is under way
record TierSlots(ExpertTiers tiers, long allBytes, IfIdle ifIdle) implements MemoryGuard.Slots {
    /// Runs something between steps, or not at all.
    @FunctionalInterface
    interface IfIdle {
        void run(Runnable action);
    }

    /// Returns the slots of what a machine computes for others.
    ///
    /// @param computing is held by whoever uses the share
    static TierSlots of(ExpertShare share, Lock computing) {
        return new TierSlots(share.tiers(), share.residentSummary().slots().bytes(), action -> {
            if (computing.tryLock()) {
                try {
                    action.run();
                } finally {
                    computing.unlock();
                }
            }
        });
    }

    @Override
    public long emptyBytes() {
        return tiers.emptyBytes();
    }

    @Override
    public long awayBytes() {
        return tiers.awayBytes();
    }

    @Override
    public long spareBytes() {
        return tiers.spareBytes();
    }

    @Override
    public long partBytes() {
        return tiers.partBytes();
    }

    @Override
    public void ask(long bytes, boolean addresses) {
        tiers.ask(bytes, addresses);
    }

    @Override
    public boolean isAsked() {
        return tiers.isAsked();
    }

    @Override
    public boolean isSettling() {
        return tiers.isSettling();
    }

    @Override
    public void settleIfIdle() {
        ifIdle.run(tiers::settle);
    }

    @Override
    public void giveBack(long bytes, boolean addresses) {
        tiers.giveBack(bytes, addresses);
    }
}
