package io.moetier.engine.offload;

import io.moetier.engine.metrics.Counters;
import io.moetier.storage.cache.ExpertCache;
import java.util.List;

/// The slots of one size: which expert is in which, their memory, and their transfers.
record SizeClass(ExpertCache cache, Slab slab, List<Transfer> transfers) {
    /// Books a transfer that ended; returns false, with the slot free again, if it failed.
    boolean settle(Transfer transfer, Counters counters) {
        if (transfer.failure() != null) {
            cache.abandon(transfer.slot());
            return false;
        }
        counters.addDiskLoad(slab.slotBytes(), transfer.nanos());
        return true;
    }
}
