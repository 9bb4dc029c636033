package io.moetier.runtime.offload;

import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.slots.Slab;
import io.moetier.runtime.slots.SlotPieces;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.model.Tier;
import java.util.List;

/// The slots of one size: which tier they are of, which expert is in which, their memory, and their transfers.
record SizeClass(Tier tier, ExpertCache cache, Slab slab, List<Transfer> transfers, SlotPieces pieces)
        implements SlotClass {
    /// Books a transfer that ended; returns false, with the slot free again, if it failed.
    boolean settle(Transfer transfer, Counters counters) {
        if (transfer.failure() != null) {
            cache.abandon(transfer.slot());
            return false;
        }
        if (tier == Tier.DEVICE) {
            counters.addCopy(
                    slab.slotBytes(), transfer.nanos(), !transfer.isAhead() && transfer.foundIn() == Tier.HOST);
        } else {
            counters.addDiskLoad(slab.slotBytes(), transfer.nanos());
        }
        return true;
    }
}
