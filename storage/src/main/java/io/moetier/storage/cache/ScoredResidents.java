package io.moetier.storage.cache;

import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.function.IntToDoubleFunction;

/// The resident experts of a cache, of which the one with the lowest score leaves first; among equal scores,
/// the one accessed longest ago.
///
/// Cost: a victim takes a scan of the residents, microseconds beside the load of an expert that follows it.
final class ScoredResidents {
    private static final int ABSENT = -1;

    private final IdIndex index;
    private final IntToDoubleFunction score;
    private final long[] lastAccess;
    private final int[] residents;
    private final int[] positionOf;
    private int numResidents;
    private long clock;

    /// `score` is asked, with an index into the ids, whenever a victim is needed.
    ScoredResidents(IdIndex index, IntToDoubleFunction score, int numSlots) {
        this.index = index;
        this.score = score;
        lastAccess = new long[index.size()];
        residents = new int[numSlots];
        positionOf = new int[index.size()];
        Arrays.fill(positionOf, ABSENT);
    }

    void touch(int expert) {
        lastAccess[expert] = ++clock;
    }

    /// Returns how many accesses have passed since the one of `expert`; for one without any, since the
    /// beginning.
    long age(int expert) {
        return clock - lastAccess[expert];
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
        double lowest = Double.POSITIVE_INFINITY;
        for (int i = 0; i < numResidents; i++) {
            int expert = residents[i];
            double its = score.applyAsDouble(expert);
            if ((best == ABSENT || its < lowest || (its == lowest && lastAccess[expert] < lastAccess[best]))
                    && !pinned.test(index.id(expert))) {
                best = expert;
                lowest = its;
            }
        }
        if (best == ABSENT) {
            throw new IllegalStateException("all " + numResidents + " resident experts are pinned");
        }
        return index.id(best);
    }
}
