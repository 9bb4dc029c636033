package io.moetier.storage.cache;

import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// Chooses the resident expert that leaves when a slot is needed.
///
/// A policy sees packed ids, never bytes, so that one class serves every tier and the trace simulator. It knows the
/// ids of its cache from its construction; an unknown one is an [IllegalArgumentException]. Not thread-safe: it
/// belongs to one [ExpertCache] and is called by that cache's owner.
public interface EvictionPolicy {
    /// Records what the router of one layer chose, before the accesses that follow from it: `ids[0..n)`, all of
    /// that layer, distinct, in any order. For one token these are its top-k; for tokens that are worked through
    /// together they are the experts that any of them chose, each weight being the sum over those tokens.
    ///
    /// The arrays are the caller's and change after the call. A policy that looks at single accesses ignores it.
    ///
    /// @param weights `[n]`, the factors of the experts' outputs; null if they are not known
    default void onDecision(int[] ids, float @Nullable [] weights, int n) {}

    /// Returns what the policy goes by, which hears of each decision from it; null if it estimates nothing, or only
    /// within a layer.
    default @Nullable UseEstimator estimator() {
        return null;
    }

    /// Records that the router chose `id`, whether it was resident or not.
    void onAccess(int id);

    /// Records that `id` is resident from now on.
    void onInsert(int id);

    /// Records that `id` is no longer resident, because it was evicted or because its load failed.
    void onEvict(int id);

    /// Returns a resident id for which `pinned` is false, to leave for the absent `newcomer`; the policy hears of the
    /// eviction through [#onEvict(int)].
    ///
    /// @param newcomer any id where slots become fewer, which may be resident if all are
    /// @throws IllegalStateException if every resident id is pinned
    int victim(int newcomer, IntPredicate pinned);

    /// Says whether the missing `id` is worth the slot of the resident `victim`; if not, it had better pass by. Asked
    /// only by callers that can do without a slot.
    default boolean admits(int id, int victim) {
        return true;
    }
}
