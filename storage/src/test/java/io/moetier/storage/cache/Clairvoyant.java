package io.moetier.storage.cache;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/// Bélády's optimum: keeps what is used again soonest, and lets a missing id pass by when that is better.
final class Clairvoyant {
    private Clairvoyant() {}

    /// Returns the most hits that any cache of `numSlots` can have on `accesses`.
    static long hits(int[] accesses, int numSlots) {
        int[] nextUse = new int[accesses.length];
        Map<Integer, Integer> upcoming = new HashMap<>();
        for (int i = accesses.length - 1; i >= 0; i--) {
            nextUse[i] = upcoming.getOrDefault(accesses[i], Integer.MAX_VALUE);
            upcoming.put(accesses[i], i);
        }
        Map<Integer, Integer> next = new HashMap<>();
        Set<Integer> resident = new HashSet<>();
        long hits = 0;
        for (int i = 0; i < accesses.length; i++) {
            next.put(accesses[i], nextUse[i]);
            if (!resident.add(accesses[i])) {
                hits++;
            } else if (resident.size() > numSlots) {
                int last = resident.stream()
                        .max(Comparator.comparingInt(id -> next.getOrDefault(id, Integer.MAX_VALUE)))
                        .orElseThrow();
                resident.remove(last);
            }
        }
        return hits;
    }

    static int[] ids(int numLayers, int numExperts) {
        int[] ids = new int[numLayers * numExperts];
        Arrays.setAll(ids, i -> ExpertId.pack(i / numExperts, i % numExperts));
        return ids;
    }
}
