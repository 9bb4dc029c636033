package io.moetier.storage.cache;

/// What a cache has counted since it was made: accesses that found their expert, accesses that did not, and experts
/// that had to leave for another one.
public record CacheStats(long hits, long misses, long evictions) {
    /// Returns the share of accesses that were hits, 0 if there were none.
    public double hitRate() {
        return hits + misses == 0 ? 0 : (double) hits / (hits + misses);
    }
}
