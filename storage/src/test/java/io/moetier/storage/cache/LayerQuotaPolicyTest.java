package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class LayerQuotaPolicyTest {
    private static final int[] IDS = EvictionPolicyContract.IDS; // three layers of five

    @Nested
    class AroundLru extends EvictionPolicyContract {
        @Override
        EvictionPolicy policy(int[] ids, int numSlots) {
            return Policies.of("layer:lru").create(ids, numSlots);
        }
    }

    @Nested
    class AroundTinyLfu extends EvictionPolicyContract {
        @Override
        EvictionPolicy policy(int[] ids, int numSlots) {
            return Policies.of("layer:tinylfu").create(ids, numSlots);
        }
    }

    @Nested
    class AroundStatic extends EvictionPolicyContract {
        @Override
        EvictionPolicy policy(int[] ids, int numSlots) {
            return Policies.of("layer:static", id -> id % 7).create(ids, numSlots);
        }
    }

    /// A global LRU with fewer slots than one token needs never hits.
    @Test
    void keepsSomethingOfEachLayerWhereOneTokenNeedsMoreThanThereIs() {
        int[] tokens = new int[300];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = IDS[i % 3 * 5 + i % 6 / 3]; // two experts a layer by turns
        }
        ExpertCache lru = new ExpertCache(IDS, 3, new LruPolicy(IDS));
        ExpertCache quota = new ExpertCache(
                IDS, 3, Policies.of("layer:static", id -> 9 - id % 9).create(IDS, 3));
        EvictionPolicyContract.replay(quota, tokens);
        assertEquals(0, EvictionPolicyContract.replay(lru, tokens));
        for (int layer = 0; layer < 3; layer++) {
            int held = 0;
            for (int e = 0; e < 5; e++) {
                held += quota.slotOf(IDS[layer * 5 + e]) >= 0 ? 1 : 0;
            }
            assertEquals(1, held, "layer " + layer);
        }
    }

    @Test
    void aNewcomerTakesFromItsOwnLayerWhicheverWasDecidedLast() {
        ExpertCache cache = new ExpertCache(IDS, 6, Policies.of("layer:lru").create(IDS, 6));
        for (int id : new int[] {IDS[0], IDS[1], IDS[5], IDS[6], IDS[10], IDS[11]}) {
            cache.access(id);
            cache.unpin(cache.reserve(id));
        }
        cache.access(IDS[0]);
        assertEquals(IDS[5], cache.victimFor(IDS[7]));
        assertEquals(IDS[1], cache.victimFor(IDS[2]));
    }

    @Test
    void aLayerBelowItsQuotaTakesFromTheOneAboveIts() {
        ExpertCache cache = new ExpertCache(IDS, 6, Policies.of("layer:lru").create(IDS, 6));
        EvictionPolicyContract.replay(cache, new int[] {IDS[0], IDS[1], IDS[2], IDS[3], IDS[4], IDS[5]});
        EvictionPolicyContract.replay(cache, new int[] {IDS[10]});
        assertEquals(-1, cache.slotOf(IDS[0]));
        assertNotEquals(-1, cache.slotOf(IDS[5]));
    }
}
