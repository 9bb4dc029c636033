package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.Seeds;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// What every policy must do, alone and in a cache.
abstract class EvictionPolicyContract {
    static final int[] IDS = Clairvoyant.ids(3, 5);

    abstract EvictionPolicy policy(int[] ids, int numSlots);

    @Test
    void choosesOnlyAResidentExpert() {
        EvictionPolicy policy = policy(IDS, 2);
        policy.onAccess(IDS[0]);
        policy.onAccess(IDS[1]);
        policy.onInsert(IDS[1]);
        assertEquals(IDS[1], policy.victim(IDS[14], id -> false));
    }

    @Test
    void choosesTheOnlyExpertThatIsNotPinned() {
        EvictionPolicy policy = policy(IDS, 5);
        for (int i = 0; i < 5; i++) {
            policy.onAccess(IDS[i]);
            policy.onInsert(IDS[i]);
        }
        for (int i = 0; i < 5; i++) {
            int loose = IDS[i];
            assertEquals(loose, policy.victim(IDS[14], id -> id != loose));
        }
    }

    @Test
    void refusesWhenAllArePinned() {
        EvictionPolicy policy = policy(IDS, 2);
        assertThrows(IllegalStateException.class, () -> policy.victim(IDS[14], id -> true));
        policy.onAccess(IDS[0]);
        policy.onInsert(IDS[0]);
        assertThrows(IllegalStateException.class, () -> policy.victim(IDS[14], id -> true));
    }

    @Test
    void askingForAVictimDoesNotEvictIt() {
        EvictionPolicy policy = policy(IDS, 3);
        for (int i = 0; i < 3; i++) {
            policy.onAccess(IDS[i]);
            policy.onInsert(IDS[i]);
        }
        assertEquals(policy.victim(IDS[14], id -> false), policy.victim(IDS[14], id -> false));
    }

    @Test
    void forgetsAnEvictedExpert() {
        EvictionPolicy policy = policy(IDS, 2);
        policy.onInsert(IDS[0]);
        policy.onInsert(IDS[1]);
        policy.onEvict(IDS[0]);
        assertEquals(IDS[1], policy.victim(IDS[14], id -> false));
    }

    @Test
    void refusesAnUnknownExpert() {
        EvictionPolicy policy = policy(IDS, 2);
        assertThrows(IllegalArgumentException.class, () -> policy.onAccess(12345678));
    }

    @Test
    void equalRunsEvictEqually() {
        assertArrayEquals(evictions(99), evictions(99));
    }

    @Test
    void slotsNeitherLeakNorAliasAndAPinnedExpertStays() {
        Seeds.each(60, (seed, random) -> pinAndReplace(1 + seed % 14, random));
    }

    private void pinAndReplace(int slots, SplittableRandom random) {
        ExpertCache cache = new ExpertCache(IDS, slots, policy(IDS, slots));
        Deque<Integer> pinned = new ArrayDeque<>();
        for (int step = 0; step < 400; step++) {
            int id = IDS[random.nextInt(IDS.length)];
            int slot = cache.access(id);
            if (slot >= 0) {
                cache.pin(slot);
                pinned.add(slot);
            } else {
                boolean full = cache.numPinned() == slots;
                slot = cache.tryReserve(id);
                assertEquals(full, slot < 0);
                if (slot >= 0 && random.nextInt(8) == 0) {
                    cache.abandon(slot);
                } else if (slot >= 0) {
                    pinned.add(slot);
                }
            }
            Map<Integer, Integer> held = new HashMap<>();
            pinned.forEach(s -> held.put(s, cache.idAt(s)));
            while (pinned.size() > random.nextInt(2 * slots)) {
                cache.unpin(pinned.remove());
            }
            pinned.forEach(s -> assertEquals(held.get(s), cache.idAt(s)));
            checkConsistency(cache, pinned);
        }
    }

    @Test
    void goesOnWithFewerSlots() {
        Seeds.each(60, (seed, _) -> retire(2 + seed % 13, seed));
    }

    private void retire(int slots, long seed) {
        int[] evicted = {0};
        ExpertCache cache = new ExpertCache(IDS, slots, policy(IDS, slots), id -> evicted[0]++);
        for (int slot = 0; slot < slots - 1; slot++) {
            replay(cache, skewed(seed + slot, slot * 10)); // the first one goes when all are free
            boolean wasFree = cache.idAt(slot) == -1;
            int before = evicted[0];
            cache.retire(slot);
            assertEquals(wasFree ? 0 : 1, evicted[0] - before);
            assertEquals(slots - 1 - slot, cache.numSlots());
            checkConsistency(cache, new ArrayDeque<>());
        }
        replay(cache, skewed(seed, 100));
        assertEquals(1, cache.numResident());
        assertThrows(IllegalStateException.class, () -> cache.retire(slots - 1), "the last one");
    }

    @Test
    void neverBeatsTheClairvoyant() {
        Seeds.each(60, (seed, _) -> compareWithTheClairvoyant(1 + seed % 15, seed));
    }

    private void compareWithTheClairvoyant(int slots, long seed) {
        int[] accesses = skewed(seed, 300);
        int[] evictions = {0};
        ExpertCache cache = new ExpertCache(IDS, slots, policy(IDS, slots), id -> evictions[0]++);
        long hits = replay(cache, accesses);
        assertEquals(accesses.length - hits - cache.numResident(), evictions[0]);
        long optimum = Clairvoyant.hits(accesses, slots);
        assertTrue(hits <= optimum, () -> hits + " hits against an optimum of " + optimum);
    }

    private int[] evictions(long seed) {
        int[] evicted = new int[2000];
        int[] count = {0};
        ExpertCache cache = new ExpertCache(IDS, 4, policy(IDS, 4), id -> evicted[count[0]++] = id);
        replay(cache, skewed(seed, 2000));
        assertTrue(count[0] > 100);
        return evicted;
    }

    /// Returns how many of the accesses found their expert.
    static int replay(ExpertCache cache, int[] accesses) {
        int hits = 0;
        for (int id : accesses) {
            if (cache.access(id) < 0) {
                cache.unpin(cache.reserve(id));
            } else {
                hits++;
            }
        }
        return hits;
    }

    /// Low ids are chosen more often, and which are low drifts.
    static int[] skewed(long seed, int length) {
        Random random = new Random(seed);
        int[] accesses = new int[length];
        for (int i = 0; i < length; i++) {
            int rank = (int) Math.min(IDS.length - 1, Math.abs(random.nextGaussian()) * 5);
            accesses[i] = IDS[(rank + i / 100) % IDS.length];
        }
        return accesses;
    }

    private static void checkConsistency(ExpertCache cache, Deque<Integer> pinned) {
        int residents = 0;
        for (int id : IDS) {
            int slot = cache.slotOf(id);
            if (slot >= 0) {
                residents++;
                assertEquals(id, cache.idAt(slot));
            }
        }
        assertEquals(residents, cache.numResident());
        assertFalse(residents > cache.numSlots());
        assertEquals(pinned.stream().distinct().count(), cache.numPinned());
    }
}
