package io.moetier.runtime.offload;

import io.moetier.runtime.slots.Slab;
import io.moetier.storage.cache.ExpertCache;

/// Slots of one size: which expert is in which, and their memory.
interface SlotClass {
    ExpertCache cache();

    Slab slab();
}
