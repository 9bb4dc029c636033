package io.moetier.storage.cache;

import java.util.function.IntPredicate;

/// Evicts the expert with the lowest frequency over age: choices so far, divided by the accesses since the
/// last one. Counts outlive eviction.
public final class LfruPolicy implements EvictionPolicy {
    private final IdIndex index;
    private final long[] counts;
    private final ScoredResidents residents;

    public LfruPolicy(int[] ids, int numSlots) {
        index = new IdIndex(ids);
        counts = new long[ids.length];
        residents = new ScoredResidents(index, this::frequencyOverAge, numSlots);
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
    public int victim(int newcomer, IntPredicate pinned) {
        return residents.victim(pinned);
    }

    private double frequencyOverAge(int expert) {
        return (double) counts[expert] / (residents.age(expert) + 1);
    }
}
