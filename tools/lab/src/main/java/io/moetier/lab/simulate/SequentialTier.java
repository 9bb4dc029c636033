package io.moetier.lab.simulate;

import io.moetier.storage.cache.ExpertCache;

/// A cache that takes one expert after another, see [Admission#SEQUENTIAL].
final class SequentialTier implements SimulatedTier {
    private final ExpertCache cache;
    private int brought;

    SequentialTier(ExpertCache cache) {
        this.cache = cache;
    }

    @Override
    public int decide(int[] ids, float[] weights, boolean weighted, int n) {
        cache.decide(ids, weighted ? weights : null, n);
        int hits = 0;
        for (int i = 0; i < n; i++) {
            if (cache.access(ids[i]) >= 0) {
                hits++;
            } else {
                int slot = cache.admit(ids[i]);
                if (slot >= 0) {
                    cache.unpin(slot);
                }
            }
        }
        brought = n - hits;
        return hits;
    }

    /// Those that have no slot are brought as well.
    @Override
    public int brought() {
        return brought;
    }
}
