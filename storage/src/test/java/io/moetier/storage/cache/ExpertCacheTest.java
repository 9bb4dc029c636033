package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.WarmCode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ExpertCacheTest {
    private static final int[] IDS = Clairvoyant.ids(4, 64);

    @Test
    void whatHadToLeaveIsTold() {
        List<Integer> left = new ArrayList<>();
        ExpertCache cache = new ExpertCache(IDS, 2, new LruPolicy(IDS), left::add);
        assertEquals(1, EvictionPolicyContract.replay(cache, new int[] {IDS[0], IDS[1], IDS[0], IDS[2]}));
        assertEquals(List.of(IDS[1]), left);
    }

    @Test
    void pinningMoreThanFitsNamesWantedFreeAndPinned() {
        ExpertCache cache = new ExpertCache(IDS, 2, new LruPolicy(IDS));
        cache.reserve(IDS[0]);
        cache.reserve(IDS[1]);
        assertEquals(-1, cache.tryReserve(IDS[2]));
        var error = assertThrows(OutOfSlotsException.class, () -> cache.reserve(IDS[2]));
        assertEquals("out of expert slots: wanted 1, free 0, pinned 2", error.getMessage());
        assertEquals(2, error.pinned());
    }

    @Test
    void pinsAreCounted() {
        ExpertCache cache = new ExpertCache(IDS, 1, new LruPolicy(IDS));
        int slot = cache.reserve(IDS[0]);
        cache.pin(slot);
        cache.unpin(slot);
        assertEquals(-1, cache.tryReserve(IDS[1]));
        cache.unpin(slot);
        assertThrows(IllegalStateException.class, () -> cache.unpin(slot));
        assertEquals(slot, cache.tryReserve(IDS[1]));
    }

    @Test
    void anAbandonedSlotIsFreeAgain() {
        List<Integer> left = new ArrayList<>();
        ExpertCache cache = new ExpertCache(IDS, 1, new LruPolicy(IDS), left::add);
        int slot = cache.reserve(IDS[0]);
        cache.abandon(slot);
        assertEquals(-1, cache.slotOf(IDS[0]));
        assertEquals(-1, cache.idAt(slot));
        assertThrows(IllegalStateException.class, () -> cache.pin(slot));
        assertEquals(slot, cache.reserve(IDS[0]));
        assertEquals(List.of(), left);
    }

    @Test
    void aResidentExpertGetsNoSecondSlot() {
        ExpertCache cache = new ExpertCache(IDS, 2, new LruPolicy(IDS));
        cache.unpin(cache.reserve(IDS[0]));
        assertThrows(IllegalStateException.class, () -> cache.reserve(IDS[0]));
    }

    @Test
    void refusesIdsListedTwiceAndCachesWithoutSlots() {
        assertThrows(IllegalArgumentException.class, () -> new IdIndex(new int[] {5, 6, 5}));
        assertThrows(IllegalArgumentException.class, () -> new ExpertCache(IDS, 0, new LruPolicy(IDS)));
    }

    @Test
    void aPinnedSlotIsNotRetired() {
        ExpertCache cache = new ExpertCache(IDS, 2, new LruPolicy(IDS));
        int slot = cache.reserve(IDS[0]);
        assertTrue(cache.isPinned(slot));
        assertThrows(IllegalStateException.class, () -> cache.retire(slot));
        cache.unpin(slot);
        cache.retire(slot);
        assertEquals(-1, cache.slotOf(IDS[0]));
        assertEquals(1 - slot, cache.reserve(IDS[0]));
        assertEquals(-1, cache.tryReserve(IDS[1]), "one slot is left");
    }

    @Test
    void whatIsRestoredIsFreeAgain() {
        ExpertCache cache = new ExpertCache(IDS, 2, new LruPolicy(IDS));
        cache.unpin(cache.reserve(IDS[0]));
        int slot = cache.slotOf(IDS[0]);
        assertThrows(IllegalStateException.class, () -> cache.restore(slot), "it is in use");
        cache.retire(slot);
        assertTrue(cache.isRetired(slot));
        assertThrows(IllegalStateException.class, () -> cache.retire(slot), "it is out of use");
        cache.restore(slot);
        assertEquals(2, cache.numSlots());
        assertEquals(0, cache.numResident());
        cache.reserve(IDS[0]);
        cache.reserve(IDS[1]);
        assertEquals(2, cache.numPinned());
    }

    @Test
    void theColdestSlotIsAFreeOneOrThePolicysVictim() {
        ExpertCache cache = new ExpertCache(IDS, 3, new LruPolicy(IDS));
        int first = cache.reserve(IDS[0]);
        int second = cache.reserve(IDS[1]);
        assertEquals(3 - first - second, cache.coldest(slot -> true), "one is free");
        assertEquals(-1, cache.coldest(slot -> slot == first || slot == second), "both are pinned");
        cache.unpin(first);
        cache.unpin(second);
        assertEquals(first, cache.coldest(slot -> slot == first || slot == second), "used least recently");
        assertEquals(second, cache.coldest(slot -> slot == second));
        assertEquals(-1, cache.coldest(slot -> false));
    }

    @Test
    void theColdestSlotIsFoundWhereAllExpertsAreResident() {
        ExpertCache cache = new ExpertCache(IDS, IDS.length, new LruPolicy(IDS));
        for (int id : IDS) {
            cache.unpin(cache.reserve(id));
        }
        assertEquals(cache.slotOf(IDS[0]), cache.coldest(slot -> true));
    }

    @Test
    void anExpertThatIsNotWorthItPassesBy() {
        List<Integer> left = new ArrayList<>();
        ExpertCache cache = new ExpertCache(IDS, 2, new KeepsLowIds(), left::add);
        cache.unpin(cache.admit(IDS[3]));
        cache.unpin(cache.admit(IDS[1]));
        assertEquals(-1, cache.admit(IDS[4]), "less worth than either");
        int slot = cache.admit(IDS[0]);
        assertEquals(IDS[0], cache.idAt(slot));
        assertEquals(-1, cache.slotOf(IDS[3]));
        assertEquals(1, cache.numPinned());
        assertThrows(IllegalStateException.class, () -> cache.admit(IDS[0]));
        cache.pin(cache.slotOf(IDS[1]));
        assertEquals(-1, cache.admit(IDS[2]), "all are pinned");
        assertEquals(List.of(IDS[3]), left);
    }

    @Test
    void onlyWhatMayLeaveLeavesAndThePolicyChoosesAmongIt() {
        List<Integer> left = new ArrayList<>();
        ExpertCache cache = new ExpertCache(IDS, 4, new LruPolicy(IDS), left::add);
        int free = cache.tryReserve(IDS[0], id -> false);
        cache.unpin(free);
        for (int i = 1; i < 4; i++) {
            cache.unpin(cache.reserve(IDS[i]));
        }
        int pinned = cache.slotOf(IDS[1]);
        cache.pin(pinned);
        assertEquals(-1, cache.tryReserve(IDS[4], id -> id == IDS[1]), "it is pinned");
        int slot = cache.slotOf(IDS[2]);
        assertEquals(slot, cache.tryReserve(IDS[4], id -> id != IDS[0]), "the one used longest ago of the others");
        assertEquals(-1, cache.slotOf(IDS[2]));
        assertEquals(List.of(IDS[2]), left);
    }

    @Test
    void tellsThePolicyWhatTheRouterChose() {
        KeepsLowIds policy = new KeepsLowIds();
        ExpertCache cache = new ExpertCache(IDS, 2, policy);
        cache.decide(new int[] {IDS[5], IDS[9]}, new float[] {0.25f, 0.75f}, 2);
        cache.decide(new int[] {IDS[7]}, null, 1);
        assertEquals(List.of(IDS[5], IDS[9], IDS[7]), policy.chosen);
        assertEquals(List.of(), policy.accessed);
    }

    /// Keeps the lowest ids, and lets higher ones pass by.
    private static final class KeepsLowIds implements EvictionPolicy {
        private final List<Integer> residents = new ArrayList<>();
        private final List<Integer> chosen = new ArrayList<>();
        private final List<Integer> accessed = new ArrayList<>();

        @Override
        public void onDecision(int[] ids, float @Nullable [] weights, int n) {
            for (int i = 0; i < n; i++) {
                chosen.add(ids[i]);
            }
        }

        @Override
        public void onAccess(int id) {
            accessed.add(id);
        }

        @Override
        public void onInsert(int id) {
            residents.add(id);
        }

        @Override
        public void onEvict(int id) {
            residents.remove(Integer.valueOf(id));
        }

        @Override
        public int victim(int newcomer, IntPredicate pinned) {
            return residents.stream()
                    .filter(id -> !pinned.test(id))
                    .max(Integer::compare)
                    .orElseThrow();
        }

        @Override
        public boolean admits(int id, int victim) {
            return id < victim;
        }
    }

    @Test
    void allocatesNothingInUse() {
        for (String name : List.of("lru", "lfu", "lfu-decay", "lfru", "slru", "static", "layer:lru", "gate")) {
            int[] evictions = {0};
            ExpertCache cache =
                    new ExpertCache(IDS, 40, Policies.of(name, id -> id & 15).create(IDS, 40), id -> evictions[0]++);
            Runnable replays = () -> {
                EvictionPolicyContract.replay(cache, IDS);
                EvictionPolicyContract.replay(cache, IDS);
            };
            assertEquals(0, WarmCode.allocated(0, replays), name);
            assertTrue(evictions[0] > 0);
        }
    }
}
