package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class LfruPolicyTest extends EvictionPolicyContract {
    @Override
    EvictionPolicy policy(int[] ids, int numSlots) {
        return Policies.of("lfru").create(ids, numSlots);
    }

    @Test
    void weighsFrequencyAgainstAge() {
        EvictionPolicy policy = policy(IDS, 2);
        policy.onInsert(IDS[0]);
        policy.onInsert(IDS[1]);
        for (int i = 0; i < 6; i++) {
            policy.onAccess(IDS[0]);
        }
        policy.onAccess(IDS[1]);
        policy.onAccess(IDS[2]);
        assertEquals(IDS[1], policy.victim(IDS[14], id -> false), "1 / 2 against 6 / 3");
        for (int i = 0; i < 10; i++) {
            policy.onAccess(IDS[1]);
        }
        assertEquals(IDS[0], policy.victim(IDS[14], id -> false), "6 / 13 against 11 / 1");
    }
}
