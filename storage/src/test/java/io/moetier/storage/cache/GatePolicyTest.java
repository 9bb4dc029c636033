package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class GatePolicyTest extends EvictionPolicyContract {
    @Override
    EvictionPolicy policy(int[] ids, int numSlots) {
        return Policies.of("gate").create(ids, numSlots);
    }

    @Nested
    class WithAQuotaPerLayer extends EvictionPolicyContract {
        @Override
        EvictionPolicy policy(int[] ids, int numSlots) {
            return Policies.of("layer:gate").create(ids, numSlots);
        }
    }

    /// Four experts of each layer by turns in half as many slots: LRU always loses the one that comes next.
    @Test
    void learnsACycleThatLruMisses() {
        int[][] decisions = new int[3 * 2000][];
        for (int i = 0; i < decisions.length; i++) {
            decisions[i] = new int[] {IDS[i % 3 * 5 + i / 3 % 4]};
        }
        assertEquals(0, run(new LruPolicy(IDS), 6, decisions, null));
        assertTrue(run(policy(IDS, 6), 6, decisions, null) > 0.4);
    }

    /// A layer chooses what the layer before it chose a token ago: all experts are equally frequent.
    @Test
    void learnsWhatFollowsFromTheLayerBefore() {
        Random random = new Random(7);
        int[][] decisions = new int[3 * 4000][];
        int[] topics = new int[3]; // of this token and the two before
        for (int i = 0; i < decisions.length; i++) {
            if (i % 3 == 0) {
                topics = new int[] {random.nextInt(5), topics[0], topics[1]};
            }
            decisions[i] = new int[] {IDS[i % 3 * 5 + topics[i % 3]]};
        }
        double lru = run(new LruPolicy(IDS), 6, decisions, null);
        double gate = run(policy(IDS, 6), 6, decisions, null);
        assertTrue(gate > lru + 0.1, () -> gate + " against " + lru);
    }

    /// Of two experts the strong one tells the next token's, the weak one nothing.
    @Test
    void theGatesWeightsSayWhichOfTheChosenCounts() {
        Random random = new Random(11);
        int[][] decisions = new int[3 * 4000][];
        float[][] weights = new float[decisions.length][];
        int strong = 0;
        for (int i = 0; i < decisions.length; i++) {
            if (i % 3 == 0) {
                strong = random.nextInt(6) == 0 ? random.nextInt(5) : (2 * strong + 1) % 5;
            }
            int weak = (strong + 1 + random.nextInt(4)) % 5;
            decisions[i] = new int[] {IDS[i % 3 * 5 + strong], IDS[i % 3 * 5 + weak]};
            weights[i] = new float[] {0.95f, 0.05f};
        }
        double blind = run(policy(IDS, 6), 6, decisions, null);
        double seeing = run(policy(IDS, 6), 6, decisions, weights);
        assertTrue(seeing > blind, () -> seeing + " against " + blind);
    }

    @Test
    void keepsWhatIsDecidedOnUntilTheNextDecision() {
        EvictionPolicy policy = policy(IDS, 2);
        policy.onInsert(IDS[0]);
        policy.onInsert(IDS[1]);
        for (int i = 0; i < 50; i++) {
            policy.onDecision(new int[] {IDS[1]}, null, 1);
            policy.onAccess(IDS[1]);
        }
        policy.onDecision(new int[] {IDS[0], IDS[2]}, null, 2);
        assertEquals(IDS[1], policy.victim(IDS[14], id -> false), "likelier, but not needed at once");
        policy.onAccess(IDS[0]);
        assertEquals(IDS[1], policy.victim(IDS[14], id -> false));
        assertEquals(IDS[0], policy.victim(IDS[14], id -> id == IDS[1]), "better than none");
        policy.onDecision(new int[] {IDS[7]}, null, 1);
        assertEquals(IDS[0], policy.victim(IDS[14], id -> false));
    }

    @Test
    void letsARareExpertPassByWhereTheCallerCanDoWithoutASlot() {
        int[] ids = Clairvoyant.ids(1, 5);
        EvictionPolicy policy = policy(ids, 2);
        ExpertCache cache = new ExpertCache(ids, 2, policy);
        for (int i = 0; i < 200; i++) {
            int id = ids[i % 20 == 19 ? 4 : i % 2];
            cache.decide(new int[] {id}, null, 1);
            int slot = cache.access(id) < 0 ? cache.admit(id) : -1;
            if (slot >= 0) {
                cache.unpin(slot);
            }
        }
        assertEquals(-1, cache.slotOf(ids[4]));
        assertNotEquals(-1, cache.slotOf(ids[0]));
        assertNotEquals(-1, cache.slotOf(ids[1]));
        assertFalse(policy.admits(ids[4], ids[0]));
    }

    /// A prompt's step may choose every expert of a layer.
    @Test
    void takesDecisionsOfAllExperts() {
        int[] ids = Clairvoyant.ids(2, 64);
        ExpertCache cache = new ExpertCache(ids, 32, policy(ids, 32));
        int[] all = Clairvoyant.ids(1, 64);
        float[] weights = new float[64];
        for (int round = 0; round < 20; round++) {
            for (int i = 0; i < 64; i++) {
                weights[i] = (i * 7 + round) % 64;
            }
            cache.decide(all, weights, 64);
            replay(cache, all);
        }
        assertEquals(32, cache.numResident());
    }

    /// Needs a slot for every expert of a decision, as the engine does; returns the share that was found.
    private static double run(EvictionPolicy policy, int numSlots, int[][] decisions, float @Nullable [][] weights) {
        ExpertCache cache = new ExpertCache(IDS, numSlots, policy);
        int chosen = 0;
        int hits = 0;
        for (int i = 0; i < decisions.length; i++) {
            cache.decide(decisions[i], weights == null ? null : weights[i], decisions[i].length);
            chosen += decisions[i].length;
            hits += replay(cache, decisions[i]);
        }
        return (double) hits / chosen;
    }
}
