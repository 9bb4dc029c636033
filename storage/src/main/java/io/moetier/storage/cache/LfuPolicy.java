package io.moetier.storage.cache;

import java.util.function.IntPredicate;

/// Evicts the expert that was chosen least often; among equals, the one chosen longest ago. Counts outlive eviction
/// and never decay.
public final class LfuPolicy implements EvictionPolicy {
    private final IdIndex index;
    private final long[] counts;
    private final CountedResidents residents;

    public LfuPolicy(int[] ids, int numSlots) {
        index = new IdIndex(ids);
        counts = new long[ids.length];
        residents = new CountedResidents(index, counts, numSlots);
    }

    @Override
    public void onAccess(int id) {
        int expert = index.indexOf(id);
        counts[expert]++;
        residents.touch(expert);
    }

    @Override
    public void onInsert(int id) {
        residents.add(index.indexOf(id));
    }

    @Override
    public void onEvict(int id) {
        residents.remove(index.indexOf(id));
    }

    @Override
    public int victim(IntPredicate pinned) {
        return residents.victim(pinned);
    }
}
