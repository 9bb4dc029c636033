package io.moetier.storage.cache;

/// Makes the policy of one cache; each cache needs one of its own.
public interface PolicyFactory {
    /// Returns a policy for the experts `ids`, of which at most `numSlots` are resident at a time.
    EvictionPolicy create(int[] ids, int numSlots);
}
