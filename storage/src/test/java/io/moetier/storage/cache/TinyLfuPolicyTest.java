package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TinyLfuPolicyTest extends EvictionPolicyContract {
    @Override
    EvictionPolicy policy(int[] ids, int numSlots) {
        return Policies.of("tinylfu").create(ids, numSlots);
    }

    @Test
    void aScanDoesNotFlushTheExpertsChosenOften() {
        int[] ids = Clairvoyant.ids(1, 1000);
        ExpertCache cache = new ExpertCache(ids, 100, policy(ids, 100));
        for (int round = 0; round < 10; round++) {
            replay(cache, IntStream.range(0, 50).map(i -> ids[i]).toArray());
        }
        replay(cache, IntStream.range(50, 1000).map(i -> ids[i]).toArray());
        long kept =
                IntStream.range(0, 50).filter(i -> cache.slotOf(ids[i]) >= 0).count();
        assertTrue(kept >= 45, () -> "kept " + kept + " of 50");
    }
}
