package io.moetier.engine.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class MemoryBudgetTest {
    private static final long GIB = 1L << 30;

    @Test
    void aTenthStaysForOthersAndHalfAGibibyteAtLeast() {
        assertEquals(18 * GIB - GIB, MemoryBudget.left(20 * GIB, GIB));
        assertEquals(2 * GIB - GIB / 2, MemoryBudget.left(2 * GIB, 0));
        assertEquals(0, MemoryBudget.left(GIB, GIB));
    }
}
