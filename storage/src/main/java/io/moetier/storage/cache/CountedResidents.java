package io.moetier.storage.cache;

import java.util.Arrays;
import java.util.function.IntPredicate;

/// The resident experts of a cache, of which the one with the lowest count leaves first; among equal counts, the one
/// accessed longest ago.
///
/// Cost: a victim takes a scan of the residents, microseconds beside the load of an expert that follows it.
final class CountedResidents {
    private static final int ABSENT = -1;

    private final IdIndex index;
    private final long[] counts;
    private final long[] lastAccess;
    private final int[] residents;
    private final int[] positionOf;
    private int numResidents;
    private long clock;

    /// `counts[i]` belongs to `ids[i]`; the owner may change it at any time.
    CountedResidents(IdIndex index, long[] counts, int numSlots) {
        this.index = index;
        this.counts = counts;
        lastAccess = new long[index.size()];
        residents = new int[numSlots];
        positionOf = new int[index.size()];
        Arrays.fill(positionOf, ABSENT);
    }

    void touch(int expert) {
        lastAccess[expert] = ++clock;
    }

    void add(int expert) {
        positionOf[expert] = numResidents;
        residents[numResidents++] = expert;
    }

    void remove(int expert) {
        int position = positionOf[expert];
        int last = residents[--numResidents];
        residents[position] = last;
        positionOf[last] = position;
        positionOf[expert] = ABSENT;
    }

    int victim(IntPredicate pinned) {
        int best = ABSENT;
        for (int i = 0; i < numResidents; i++) {
            int expert = residents[i];
            if ((best == ABSENT || leavesBefore(expert, best)) && !pinned.test(index.id(expert))) {
                best = expert;
            }
        }
        if (best == ABSENT) {
            throw new IllegalStateException("all " + numResidents + " resident experts are pinned");
        }
        return index.id(best);
    }

    private boolean leavesBefore(int a, int b) {
        return counts[a] != counts[b] ? counts[a] < counts[b] : lastAccess[a] < lastAccess[b];
    }
}
