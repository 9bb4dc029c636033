package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class SlruPolicyTest extends EvictionPolicyContract {
    @Override
    EvictionPolicy policy(int[] ids, int numSlots) {
        return Policies.of("slru").create(ids, numSlots);
    }

    @Test
    void anExpertChosenOnceLeavesBeforeOneChosenAgain() {
        ExpertCache cache = new ExpertCache(IDS, 3, policy(IDS, 3));
        replay(cache, new int[] {IDS[0], IDS[0], IDS[1], IDS[2], IDS[3], IDS[4]});
        assertEquals(0, cache.slotOf(IDS[0]));
        assertEquals(-1, cache.slotOf(IDS[1]));
        assertEquals(-1, cache.slotOf(IDS[2]));
    }

    @Test
    void theOldestProtectedGoesOnProbationWhenAllAreProtected() {
        EvictionPolicy policy = policy(IDS, 5);
        for (int i = 0; i < 5; i++) {
            policy.onInsert(IDS[i]);
        }
        for (int i : new int[] {3, 1, 0, 2, 4}) {
            policy.onAccess(IDS[i]);
        }
        assertEquals(IDS[3], policy.victim(IDS[14], id -> false));
        assertEquals(IDS[1], policy.victim(IDS[14], id -> id == IDS[3]), "then the oldest that is protected");
    }
}
