package io.moetier.runtime.model.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AttentionSpecTest {
    private static final int HIDDEN = 64;

    @Test
    void aGateHasAnElementForEachHeadOrForEachElement() {
        assertTrue(gated(4, 16).isGatedByHead());
        assertFalse(gated(64, 16).isGatedByHead());
        assertFalse(gated(4, 1).isGatedByHead());
    }

    /// They go where the queries were.
    @Test
    void resultsOfHeadsThatAreGatedAsOneHaveRoom() {
        assertEquals(List.of(96, 32, 48, 96, 4), gated(4, 24).intermediates());
        assertEquals(List.of(64, 32, 16, 32, 4), gated(4, 8).intermediates());
        assertEquals(List.of(64, 32, 48, 96, 96), gated(96, 24).intermediates());
    }

    /// @param valueDim elements of a value, where a key has 16
    private static AttentionSpec gated(int rows, int valueDim) {
        return new AttentionSpec(
                new ProjectionsSpec(
                        LinearSpec.of("q", 4 * 16, HIDDEN),
                        LinearSpec.of("k", 2 * 16, HIDDEN),
                        LinearSpec.of("v", 2 * valueDim, HIDDEN),
                        LinearSpec.of("o", HIDDEN, 4 * valueDim)),
                new HeadsSpec(4, 2, 16, valueDim, 0.25f),
                new AttentionSpec.Mask(0, 0, false),
                new AttentionSpec.Preparation(
                        Optional.empty(), Optional.empty(), 1, 0, Optional.empty(), Optional.empty()),
                Optional.of(LinearSpec.of("g", rows, HIDDEN)),
                Optional.empty(),
                Optional.empty());
    }
}
