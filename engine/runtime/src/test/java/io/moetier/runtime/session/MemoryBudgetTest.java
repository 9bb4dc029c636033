package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.MemoryBudget.Held;
import io.moetier.runtime.session.MemoryPlan.Part;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.memory.MemoryLimit.Kind;
import io.moetier.storage.memory.ProcessMemory;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MemoryBudgetTest {
    private static final long GIB = 1L << 30;

    private static final long MIB = 1L << 20;

    /// 400 MiB are here, 300 of them weights, and 30 pages of files.
    private static final Held HELD = new Held(400 * MIB, 30 * MIB, 60 * MIB, 500 * MIB);

    private static final MemoryNeeds NEEDS =
            new MemoryNeeds(30 * MIB, 300 * MIB, 300 * MIB, 50 * MIB, 70 * MIB, 16 * MIB, 0);

    @Test
    void aGroupLeavesWhatIsNotThereAndWillNotComeLessATwentieth() {
        MemoryPlan plan = only(new MemoryLimit(Kind.GROUP, "the control group /a", 2000 * MIB, 450 * MIB), NEEDS);
        assertEquals(
                List.of(
                        new Part("other weights", 300 * MIB),
                        new Part("keys and values", 50 * MIB),
                        new Part("workspace", 70 * MIB),
                        new Part("loaders", 16 * MIB),
                        new Part("Java heap", 60 * MIB),
                        new Part("JVM and libraries", (40 + 30 + 48) * MIB),
                        new Part("other processes", 50 * MIB),
                        new Part("reserve", 100 * MIB)),
                plan.parts());
        assertEquals(2000 * MIB - (450 + 50 + 70 + 16 + 30 + 48 + 100) * MIB, plan.expertBytes());
    }

    @Test
    void ofTheMachineATenthStaysForOthersAndHalfAGibibyteAtLeast() {
        long toCome = (50 + 70 + 16 + 48) * MIB;
        assertEquals(
                18 * GIB - toCome,
                only(new MemoryLimit(Kind.MACHINE, "this machine", 24 * GIB, 4 * GIB), NEEDS)
                        .expertBytes());
        assertEquals(
                2 * GIB - GIB / 2 - toCome,
                only(new MemoryLimit(Kind.MACHINE, "this machine", 24 * GIB, 22 * GIB), NEEDS)
                        .expertBytes());
    }

    @Test
    void addressesOfTheHeapAreReservedAlreadyAndMemoryThatItMayHaveCountsAsData() {
        long used = 1500 * MIB;
        assertEquals(
                4000 * MIB - used - (50 + 16 + 256 + 200) * MIB,
                only(new MemoryLimit(Kind.ADDRESSES, "its address space", 4000 * MIB, used), NEEDS)
                        .expertBytes());
        assertEquals(
                4000 * MIB - used - (50 + 16 + 48 + 440 + 200) * MIB,
                only(new MemoryLimit(Kind.DATA, "its data segment", 4000 * MIB, used), NEEDS)
                        .expertBytes());
    }

    @Test
    void whatLeavesTheLeastCounts() {
        MemoryLimit wide = new MemoryLimit(Kind.GROUP, "the control group /a", 3000 * MIB, 450 * MIB);
        MemoryLimit tight = new MemoryLimit(Kind.GROUP, "the control group /a/b", 2000 * MIB, 450 * MIB);
        assertEquals(
                tight,
                MemoryBudget.plans(NEEDS, List.of(wide, tight), HELD).getFirst().limit());
    }

    @Test
    void lessThanTheLeastIsRefusedWithAllParts() {
        MemoryLimit tight = new MemoryLimit(Kind.GROUP, "the control group /a", 660 * MIB, 400 * MIB);
        InvalidOptionException refused =
                assertThrows(InvalidOptionException.class, () -> MemoryBudget.require(NEEDS, List.of(tight), HELD));
        assertEquals(
                "ramBytes: 30.0 MiB of experts do not fit: of the 660 MiB of the control group /a, 13.0 MiB are left"
                        + " beside other weights 300 MiB, keys and values 50.0 MiB, workspace 70.0 MiB, loaders 16.0 MiB,"
                        + " Java heap 60.0 MiB, JVM and libraries 118 MiB, reserve 33.0 MiB;"
                        + " a smaller contextLength needs less",
                refused.getMessage());
    }

    @Test
    void aMachineMayGiveMoreThanItSays() {
        MemoryLimit full = new MemoryLimit(Kind.MACHINE, "this machine", 8 * GIB, 8 * GIB - 100 * MIB);
        MemoryBudget.require(NEEDS, List.of(full), HELD);
        assertTrue(MemoryBudget.plans(NEEDS, List.of(full), HELD).getFirst().expertBytes() < 0);
    }

    @Test
    void mostOfTheReserveIsLeftBeforeExpertsGiveWay() {
        List<MemoryLimit> enough = List.of(new MemoryLimit(Kind.GROUP, "the control group /a", 2000 * MIB, 1920 * MIB));
        List<MemoryLimit> little = List.of(new MemoryLimit(Kind.GROUP, "the control group /a", 2000 * MIB, 1921 * MIB));
        assertEquals(0, MemoryBudget.shortage(enough, 0, 0, false));
        assertEquals(21 * MIB, MemoryBudget.shortage(little, 0, 0, false));
        assertEquals(40 * MIB, MemoryBudget.shortage(enough, 20 * MIB, 0, false));
    }

    @Test
    void librariesAreNeededThoughGroupsCountThemAsCache() {
        MemoryLimit group = new MemoryLimit(Kind.GROUP, "the control group /a", 2000 * MIB, 1920 * MIB);
        MemoryLimit machine = new MemoryLimit(Kind.MACHINE, "this machine", 2000 * MIB, 1000 * MIB);
        List<MemoryLimit> limits = MemoryBudget.withLibraries(List.of(group, machine), 30 * MIB);
        assertEquals(List.of(group.withUsed(1950 * MIB), machine), limits);
        assertEquals(50 * MIB, MemoryBudget.shortage(limits, 0, 0, false));
        assertEquals(30 * MIB, MemoryBudget.libraryBytes(new ProcessMemory(0, 430 * MIB, 400 * MIB)));
        assertEquals(64 * MIB, MemoryBudget.libraryBytes(new ProcessMemory(0, 4 * GIB, 400 * MIB)), "mapped data");
    }

    @Test
    void aBudgetThatDoesNotFitIsWarnedOf() {
        Path store = ImportedStores.of(TestData.tinyMixtral());
        EngineConfig config = EngineConfig.DEFAULT.withReservedBytes(AvailableMemory.totalBytes());
        try (Engine engine = Engine.open(store, config)) {
            assertEquals(Optional.empty(), engine.memoryWarning(), "nobody asked");
        }
        try (Engine engine = Engine.open(store, config.withRamBytes(GIB))) {
            String warning = engine.memoryWarning().orElseThrow();
            assertTrue(
                    warning.matches(".* of experts do not fit: of the .*, 0 B are left beside other weights .*;"
                            + " what does not fit is given back while the model runs, or ends the process"),
                    warning);
        }
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT.withRamBytes(GIB))) {
            assertEquals(Optional.empty(), engine.memoryWarning());
        }
    }

    private static MemoryPlan only(MemoryLimit limit, MemoryNeeds needs) {
        return MemoryBudget.plans(needs, List.of(limit), HELD).getFirst();
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
        try (Engine engine = UnguardedEngine.open(ImportedStores.of(TestData.tinyMixtral()), EngineConfig.DEFAULT);
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
