package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.ExpertId;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PromptSlotsTest {
    private static final int EXPERTS = 2;

    /// Fills a cache with the experts of all layers and returns the layers that give way to newcomers, in order, while
    /// layer `computed` is computed.
    private static List<Integer> leaving(int layers, int computed) {
        int numSlots = layers * EXPERTS;
        int[] ids = IntStream.range(0, 2 * numSlots)
                .map(i -> ExpertId.pack(i / EXPERTS, i % EXPERTS))
                .toArray();
        List<Integer> left = new ArrayList<>();
        ExpertCache cache = new ExpertCache(
                ids, numSlots, Policies.of("lru").create(ids, numSlots), id -> left.add(ExpertId.layerOf(id)));
        for (int i = 0; i < numSlots; i++) {
            cache.unpin(cache.reserve(ids[i]));
        }
        PromptSlots slots = new PromptSlots(layers);
        slots.begin(computed);
        int newcomer = numSlots;
        while (newcomer < ids.length && slots.tryReserve(cache, ids[newcomer]) >= 0) {
            newcomer++;
        }
        return left;
    }

    @Test
    void theLayersJustComputedGiveWayFirstAndTheNextOneNever() {
        assertEquals(List.of(1, 1, 2, 2, 0, 0, 4, 4), leaving(5, 2));
        assertEquals(
                List.of(3, 3, 4, 4, 2, 2, 1, 1), leaving(5, 4), "the first layer is the next one of the next batch");
        assertEquals(List.of(4, 4, 0, 0, 3, 3, 2, 2), leaving(5, 0));
    }

    @Test
    void withTwoLayersOnlyTheOneUnderWayGivesWay() {
        assertEquals(List.of(1, 1), leaving(2, 1));
        assertEquals(List.of(0, 0), leaving(2, 0));
    }

    @Test
    void freeSlotsAreTakenBeforeAnyExpertLeaves() {
        int[] ids = {ExpertId.pack(0, 0), ExpertId.pack(1, 0)};
        ExpertCache cache = new ExpertCache(ids, 2, Policies.of("lru").create(ids, 2));
        PromptSlots slots = new PromptSlots(2);
        slots.begin(0);
        cache.unpin(cache.reserve(ids[0]));
        assertTrue(slots.tryReserve(cache, ids[1]) >= 0);
        assertEquals(2, cache.numResident());
    }
}
