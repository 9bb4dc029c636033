package io.moetier.lab.simulate;

import io.moetier.storage.cache.ExpertCache;

/// A cache that takes a layer at a time, as the engine's tiers do, see [Admission#LAYER]. Of the missing experts that
/// the processor computes beside a device, one is copied behind the layer: what the engine manages, unless a copy takes
/// longer than a layer.
///
/// A step that needs more experts than there are slots takes them in groups, and a slot is free again after its group.
/// The engine's groups are those that have arrived; here one arrives at a time, in the order asked for.
public final class LayerTier implements SimulatedTier {
    private static final int NONE = -1;

    private final ExpertCache cache;
    private final int[] residentSlots;
    private final int[] missing;
    private final int[] loadedSlots;
    private final int[] onProcessor;
    private int brought;

    /// @param onProcessor how many of the missing experts the processor computes, by how many are missing
    public LayerTier(ExpertCache cache, int[] onProcessor) {
        int maxExperts = onProcessor.length - 1;
        this.cache = cache;
        this.onProcessor = onProcessor;
        residentSlots = new int[maxExperts];
        missing = new int[maxExperts];
        loadedSlots = new int[maxExperts];
    }

    @Override
    public int decide(int[] ids, float[] weights, boolean weighted, int n) {
        cache.decide(ids, weighted ? weights : null, n);
        int hits = 0;
        int misses = 0;
        for (int i = 0; i < n; i++) {
            int slot = cache.access(ids[i]);
            if (slot == NONE) {
                missing[misses++] = ids[i];
            } else {
                cache.pin(slot);
                residentSlots[hits++] = slot;
            }
        }
        int copied = misses - onProcessor[misses];
        gather(hits, copied);
        brought = copied + admitOne(copied, misses);
        return hits;
    }

    @Override
    public int brought() {
        return brought;
    }

    /// Returns 1 if the policy has let in one of the missing experts in this range, else 0.
    private int admitOne(int from, int to) {
        for (int i = from; i < to; i++) {
            int slot = cache.admit(missing[i]);
            if (slot != NONE) {
                cache.unpin(slot);
                return 1;
            }
        }
        return 0;
    }

    private void gather(int numResidents, int numMissing) {
        int begun = load(0, numMissing);
        int most = Math.max(1, cache.numSlots() / 2);
        for (int done = 0; done < numResidents; ) {
            int group = begun == numMissing ? numResidents - done : Math.min(most, numResidents - done);
            for (int i = 0; i < group; i++) {
                cache.unpin(residentSlots[done++]);
            }
            begun = load(begun, numMissing);
        }
        for (int done = 0; done < begun; done++) {
            cache.unpin(loadedSlots[done]);
            begun = load(begun, numMissing);
        }
    }

    /// Gives slots to missing experts from `begun` on, as many as get one; returns how many have been served then.
    private int load(int begun, int numMissing) {
        int next = begun;
        while (next < numMissing) {
            int slot = cache.tryReserve(missing[next]);
            if (slot == NONE) {
                break;
            }
            loadedSlots[next++] = slot;
        }
        return next;
    }
}
