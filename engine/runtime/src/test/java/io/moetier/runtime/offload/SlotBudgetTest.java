package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.runtime.offload.SlotBudget.SizeClassCount;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.memory.MemoryLimit.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;

class SlotBudgetTest {
    private static final long GIB = 1L << 30;

    @Test
    void whatCannotBeReservedIsAnError() {
        MemoryLimit addresses = new MemoryLimit(Kind.ADDRESSES, "its address space (ulimit -v)", 4 * GIB, 3 * GIB);
        assertDoesNotThrow(() -> SlotBudget.requireAddresses(GIB, addresses));
        assertEquals(
                "ramBytes: experts of 2.00 GiB do not fit into the 1.00 GiB that its address space (ulimit -v) has left"
                        + " of 4.00 GiB; a smaller ramBytes needs less",
                assertThrows(IllegalArgumentException.class, () -> SlotBudget.requireAddresses(2 * GIB, addresses))
                        .getMessage());
    }

    @Test
    void aBudgetOfOneByteIsToldInTheSingular() {
        SlotBudget budget = new SlotBudget(List.of(new SizeClassCount(4, 100)), 2);
        assertEquals(
                "ramBytes: a budget of 1 byte is too small: the top-2 experts of one layer need at least 200 bytes"
                        + " (2 slots of 100 bytes)",
                assertThrows(IllegalArgumentException.class, () -> budget.slots(1))
                        .getMessage());
    }
}
