package io.moetier.storage.cache;

import java.util.function.IntPredicate;
import java.util.function.IntToLongFunction;

/// Keeps the experts that a census counted most: evicts the one with the lowest count, among equals the one chosen
/// longest ago. What the run itself chooses changes no count.
///
/// The missing expert is always let in, so once the cache is full the hot set keeps all slots but the one that the
/// rare experts take turns in.
public final class StaticPolicy implements EvictionPolicy {
    private final IdIndex index;
    private final ScoredResidents residents;

    /// `census` tells how often an id was chosen.
    public StaticPolicy(int[] ids, int numSlots, IntToLongFunction census) {
        index = new IdIndex(ids);
        long[] counts = new long[ids.length];
        for (int i = 0; i < counts.length; i++) {
            counts[i] = census.applyAsLong(ids[i]);
        }
        residents = new ScoredResidents(index, expert -> counts[expert], numSlots);
    }

    @Override
    public void onAccess(int id) {
        residents.touch(index.indexOf(id));
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
    public int victim(int newcomer, IntPredicate pinned) {
        return residents.victim(pinned);
    }
}
