package io.moetier.runtime.offload;

import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.model.Tier;
import java.util.List;

/// The slots of one size: which tier they are of, which expert is in which, their memory, and their transfers.
///
/// @param spare pieces of the slab that can be given back, taken out when they are
record SizeClass(Tier tier, ExpertCache cache, Slab slab, List<Transfer> transfers, List<SlabPiece> spare)
        implements SlotClass {
    /// Returns how many bytes can be given back.
    long spareBytes() {
        return spare.stream().mapToInt(SlabPiece::numSlots).sum() * slab.slotBytes();
    }

    /// Gives back the last piece of the slab that has no pinned slot; returns its bytes, or 0 if there is none.
    long giveBack() {
        for (int i = spare.size() - 1; i >= 0; i--) {
            SlabPiece piece = spare.get(i);
            if (piece.slots().noneMatch(cache::isPinned)) {
                spare.remove(i);
                piece.slots().forEach(cache::retire);
                piece.arena().close(); // waits for the kernels that read it
                return piece.numSlots() * slab.slotBytes();
            }
        }
        return 0;
    }

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
