package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class LruPolicyTest extends EvictionPolicyContract {
    @Override
    EvictionPolicy policy(int[] ids, int numSlots) {
        return Policies.of("lru").create(ids, numSlots);
    }

    @Test
    void evictsTheLeastRecentlyUsedUnpinnedExpert() {
        EvictionPolicy policy = policy(IDS, 3);
        for (int i = 0; i < 3; i++) {
            policy.onInsert(IDS[i]);
        }
        policy.onAccess(IDS[0]);
        assertEquals(IDS[1], policy.victim(IDS[14], id -> false));
        assertEquals(IDS[2], policy.victim(IDS[14], id -> id == IDS[1]));
    }
}
