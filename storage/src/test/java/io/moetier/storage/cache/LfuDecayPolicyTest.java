package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class LfuDecayPolicyTest extends EvictionPolicyContract {
    @Override
    EvictionPolicy policy(int[] ids, int numSlots) {
        return Policies.of("lfu-decay").create(ids, numSlots);
    }

    @Test
    void whatWasChosenOftenLongAgoLeavesBeforeWhatIsChosenNow() {
        for (int pause : new int[] {1, 20_000}) { // the longer one scales the counts down
            EvictionPolicy policy = policy(IDS, 2);
            policy.onInsert(IDS[0]);
            policy.onInsert(IDS[1]);
            token(policy, IDS[0], 5);
            for (int i = 0; i < pause; i++) {
                token(policy, IDS[2], 1);
            }
            token(policy, IDS[1], 1);
            assertEquals(pause == 1 ? IDS[1] : IDS[0], policy.victim(IDS[14], id -> false), pause + " tokens");
        }
    }

    @Test
    void countsFadeByTokensNotByLayers() {
        LfuPolicy policy = new LfuPolicy(IDS, 2, 0.5);
        policy.onInsert(IDS[0]);
        policy.onInsert(IDS[10]);
        token(policy, IDS[0], 1);
        token(policy, IDS[10], 1); // a later layer of the same token
        assertEquals(IDS[0], policy.victim(IDS[14], id -> false), "equal counts, and chosen longest ago");
        token(policy, IDS[0], 1);
        token(policy, IDS[5], 1);
        token(policy, IDS[5], 1);
        assertEquals(IDS[10], policy.victim(IDS[14], id -> false));
        assertTrue(Policies.isKnown("layer:lfu-decay"));
    }

    private static void token(EvictionPolicy policy, int id, int times) {
        policy.onDecision(new int[] {id}, null, 1);
        for (int i = 0; i < times; i++) {
            policy.onAccess(id);
        }
    }
}
