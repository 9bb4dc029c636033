package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.model.memory.KvCache;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MemoryBudgetTest {
    private static final long GIB = 1L << 30;

    @Test
    void aTenthStaysForOthersAndHalfAGibibyteAtLeast() {
        assertEquals(18 * GIB - GIB, MemoryBudget.left(20 * GIB, GIB));
        assertEquals(2 * GIB - GIB / 2, MemoryBudget.left(2 * GIB, 0));
        assertEquals(0, MemoryBudget.left(GIB, GIB));
    }

    @Test
    void whatOthersWillTakeIsLeftFree() {
        Path store = ImportedStores.of(TestData.tinyMixtral());
        EngineConfig config = EngineConfig.DEFAULT.withReservedBytes(AvailableMemory.totalBytes());
        try (Engine engine = Engine.open(store, config)) {
            assertEquals(
                    engine.minimumRamBytes(),
                    engine.expertTiers().residentSummary().budgetBytes());
        }
    }

    @Test
    void pendingIsWhatIsNotThereYet() {
        try (Engine engine = Engine.open(ImportedStores.of(TestData.tinyMixtral()), EngineConfig.DEFAULT);
                Session session = engine.newSession(8)) {
            long before = engine.pendingBytes();
            long keyValues =
                    KvCache.bytes(engine.spec(), EngineConfig.DEFAULT.numerics().kv(), engine.contextLength());
            assertEquals(engine.expertTiers().residentSummary().slots().bytes() + keyValues, before);
            session.prefill(new int[] {1, 2, 3});
            long resident = engine.expertTiers().residentSummary().filled().bytes();
            assertTrue(resident > 0);
            assertEquals(before - resident, engine.pendingBytes());
        }
    }

    @Test
    void aSessionIsNoLongerThanTheContext() {
        try (Engine engine = Engine.open(ImportedStores.of(TestData.tinyMixtral()), EngineConfig.DEFAULT)) {
            int most = engine.contextLength();
            assertEquals(
                    "a session holds 1 to " + most + " tokens, not " + (most + 1),
                    assertThrows(IllegalArgumentException.class, () -> engine.newSession(most + 1))
                            .getMessage());
        }
    }
}
