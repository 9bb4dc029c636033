package io.moetier.runtime.session;

import io.moetier.runtime.offload.ExpertTiers;

/// The slots in main memory of an engine's tiers.
///
/// @param ifIdle runs what it is given if no step is under way
record TierSlots(ExpertTiers tiers, long allBytes, IfIdle ifIdle) implements MemoryGuard.Slots {
    /// Runs something between steps, or not at all.
    @FunctionalInterface
    interface IfIdle {
        void run(Runnable action);
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
