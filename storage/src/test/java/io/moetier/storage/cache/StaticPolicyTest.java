package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class StaticPolicyTest extends EvictionPolicyContract {
    @Override
    EvictionPolicy policy(int[] ids, int numSlots) {
        return Policies.of("static", id -> id % 7).create(ids, numSlots);
    }

    @Test
    void keepsTheExpertsOfTheCensusWhateverTheRunChooses() {
        EvictionPolicy policy = new StaticPolicy(IDS, 2, id -> id == IDS[4] ? 10 : 0);
        ExpertCache cache = new ExpertCache(IDS, 2, policy);
        replay(cache, new int[] {IDS[4], IDS[0], IDS[1], IDS[1], IDS[2], IDS[3], IDS[3]});
        assertEquals(0, cache.slotOf(IDS[4]));
        assertEquals(1, cache.slotOf(IDS[3]));
    }
}
