package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class LfuPolicyTest extends EvictionPolicyContract {
    @Override
    EvictionPolicy policy(int[] ids, int numSlots) {
        return Policies.of("lfu").create(ids, numSlots);
    }

    @Test
    void evictsTheLeastOftenChosenAndAmongEqualsTheLeastRecent() {
        ExpertCache cache = new ExpertCache(IDS, 3, policy(IDS, 3));
        replay(cache, new int[] {IDS[0], IDS[0], IDS[1], IDS[2], IDS[3]});
        assertEquals(-1, cache.slotOf(IDS[1]));
        assertEquals(0, cache.slotOf(IDS[0]));
    }

    @Test
    void remembersCountsOfEvictedExperts() {
        ExpertCache cache = new ExpertCache(IDS, 2, policy(IDS, 2));
        assertEquals(3, replay(cache, new int[] {IDS[0], IDS[0], IDS[0], IDS[1], IDS[1], IDS[2], IDS[1]}));
        assertEquals(-1, cache.slotOf(IDS[2]), "chosen once, so it leaves for the third choice of another");
    }
}
