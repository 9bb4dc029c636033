package io.moetier.storage.cache;

/// A lease on the expert in one slot: until it is closed, that expert stays.
///
/// Each slot has one `Pin` object that all its leases share, so taking a lease allocates nothing; closing it gives
/// back one lease.
public final class Pin implements AutoCloseable {
    private final ExpertCache cache;
    private final int slot;

    Pin(ExpertCache cache, int slot) {
        this.cache = cache;
        this.slot = slot;
    }

    public int slot() {
        return slot;
    }

    /// @throws IllegalStateException if all leases on the slot were given back already
    @Override
    public void close() {
        cache.unpin(slot);
    }
}
