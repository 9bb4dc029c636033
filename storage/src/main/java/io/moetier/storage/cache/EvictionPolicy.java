package io.moetier.storage.cache;

import java.util.function.IntPredicate;

/// Chooses the resident expert that leaves when a slot is needed.
///
/// A policy sees packed ids, never bytes, so that one class serves every tier and the trace simulator. It knows the
/// ids of its cache from its construction; an unknown one is an [IllegalArgumentException]. Not thread-safe: it
/// belongs to one [ExpertCache] and is called by that cache's owner.
public interface EvictionPolicy {
    /// Records that the router chose `id`, whether it was resident or not.
    void onAccess(int id);

    /// Records that `id` is resident from now on.
    void onInsert(int id);

    /// Records that `id` is no longer resident, because it was evicted or because its load failed.
    void onEvict(int id);

    /// Returns a resident id for which `pinned` is false; the policy hears of the eviction through [#onEvict(int)].
    ///
    /// @throws IllegalStateException if every resident id is pinned
    int victim(IntPredicate pinned);
}
