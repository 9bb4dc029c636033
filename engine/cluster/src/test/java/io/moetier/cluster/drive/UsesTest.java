package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.ExpertId;
import java.util.Map;
import org.junit.jupiter.api.Test;

class UsesTest {
    private static final int[] CHOSEN = {1, 3};
    private static final int[] ONCE = {1, 1};

    private final Uses uses = new Uses(_ -> 0.25, Map.of(0, 8, 2, 8));

    @Test
    void beforeAnythingIsCountedNothingIsKnownBetter() {
        assertEquals(0.25, uses.applyAsDouble(ExpertId.pack(0, 1)));
        assertEquals(0.25, uses.applyAsDouble(ExpertId.pack(1, 1))); // a layer without experts
    }

    @Test
    void whatIsCountedOutweighsWhatWasThought() {
        for (int token = 0; token < 192; token++) {
            boolean _ = uses.count(2, 1, CHOSEN, ONCE, 2);
        }
        assertEquals((64 * 0.25 + 192) / 256, uses.applyAsDouble(ExpertId.pack(2, 3)), 1e-12);
        assertEquals(64 * 0.25 / 256, uses.applyAsDouble(ExpertId.pack(2, 0)), 1e-12);
        assertEquals(0.25, uses.applyAsDouble(ExpertId.pack(0, 3)), 1e-12);
    }

    @Test
    void stepsOfSeveralTokensCountAsSoManyOfOne() {
        for (int step = 0; step < 48; step++) {
            assertFalse(uses.count(0, 4, new int[] {0, 1, 3}, new int[] {4, 1, 3}, 3));
        }
        assertEquals((64 * 0.25 + 192) / 256, uses.applyAsDouble(ExpertId.pack(0, 0)), 1e-12);
        assertEquals((64 * 0.25 + 48) / 256, uses.applyAsDouble(ExpertId.pack(0, 1)), 1e-12);
    }

    @Test
    void promptsDoNotCount() {
        assertFalse(uses.count(0, 500, new int[] {0, 1}, new int[] {300, 200}, 2));
        assertEquals(0.25, uses.applyAsDouble(ExpertId.pack(0, 1)));
    }

    @Test
    void expertsArePlacedAnewMoreAndMoreSeldom() {
        int placements = 0;
        for (int token = 1; token <= 5000; token++) {
            placements += uses.count(0, 1, CHOSEN, ONCE, 2) ? 1 : 0;
            assertFalse(uses.count(2, 1, CHOSEN, ONCE, 2), "once for all layers");
            assertTrue(token < 256 ? placements == 0 : placements > 0);
        }
        assertEquals(3, placements); // at 256, 1024 and 4096 tokens
    }
}
