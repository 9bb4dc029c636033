package io.moetier.engine.offload;

import io.moetier.storage.cache.ExpertCache;
import java.util.List;

/// The slots of one size: which expert is in which, their memory, and their transfers.
record SizeClass(ExpertCache cache, Slab slab, List<Transfer> transfers) {}
