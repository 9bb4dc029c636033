package io.moetier.cli.throughput;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.lab.throughput.Case;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.MemoryPlan;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.memory.MemoryLimit.Kind;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class SweepTest {
    private static final Setting SETTING = new Setting("100%", OptionalLong.empty(), 1, 0);

    private final Sweep sweep = new Sweep();

    @Test
    void promptsLeaveRoomForTheMostThatIsGenerated() {
        sweep.generated = List.of(1000, 32);
        assertEquals(
                List.of("generate 32", "generate 1000"),
                sweep.cases(SETTING, 1024, Integer.MAX_VALUE).stream()
                        .map(Case::label)
                        .toList());
    }

    @Test
    void whatIsNamedTwiceIsMeasuredOnce() {
        sweep.prompts = List.of(8, 4, 8);
        sweep.generated = List.of(16, 16);
        List<Case> cases = sweep.cases(SETTING, 1024, Integer.MAX_VALUE);
        assertEquals(new HashSet<>(cases).size(), cases.size());
        sweep.budgets = List.of("50%", " 50%");
        sweep.threadCounts = List.of(2, 1, 2, 1);
        assertEquals(
                List.of("50%, 2 threads", "50%, 1 thread"),
                sweep.settings(EngineConfig.DEFAULT, 1000, 10).stream()
                        .map(Setting::label)
                        .toList());
    }

    @Test
    void lossesAreMeasuredWithTheLeastMemoryAndWithoutPrompts() {
        sweep.prompts = List.of(8);
        sweep.maxKlds = List.of(0.1, 0.01, 0.1);
        List<Setting> settings = sweep.settings(EngineConfig.DEFAULT.withThreads(1), 1000, 10);
        assertEquals(
                List.of(
                        "100%, 1 thread",
                        "50%, 1 thread",
                        "25%, 1 thread",
                        "25%, 1 thread, lossy up to 0.01",
                        "25%, 1 thread, lossy up to 0.1"),
                settings.stream().map(Setting::label).toList());
        assertEquals(
                List.of("generate 32 behind 8", "generate 32"),
                sweep.cases(settings.getLast(), 1024, Integer.MAX_VALUE).stream()
                        .map(Case::label)
                        .toList());
        EngineConfig config = settings.getLast().of(EngineConfig.DEFAULT);
        assertEquals(OptionalDouble.of(0.1), config.numerics().selection().maxKld());
        EngineConfig limited = EngineConfig.DEFAULT.withSelection(ExpertSelection.TRAINED.withMaxKld(0.1));
        assertEquals(
                "--max-kld and --max-klds: expected one of them",
                assertThrows(IllegalArgumentException.class, () -> sweep.check(limited))
                        .getMessage());
        sweep.maxKlds = List.of(0.0);
        assertEquals(
                "--max-klds: expected above 0 and at most 10 nats, found 0.0",
                assertThrows(IllegalArgumentException.class, () -> sweep.check(EngineConfig.DEFAULT))
                        .getMessage());
    }

    /// The least that a model needs makes 25 % what 50 % is.
    @Test
    void theSameBudgetByAnotherNameIsMeasuredOnce() {
        assertEquals(
                List.of("100%", "50%"),
                sweep.settings(EngineConfig.DEFAULT.withThreads(1), 1000, 600).stream()
                        .map(Setting::budget)
                        .toList());
    }

    /// What does not fit is given back while it is measured, so that the budget is not what its name says.
    @Test
    void aBudgetThatNobodyAskedForAndThatDoesNotFitIsLeftOut() {
        sweep.maxKlds = List.of(0.1);
        MemoryLimit limit = new MemoryLimit(Kind.GROUP, "the control group /a", 1000, 0);
        assertEquals(List.of("100%, 1 thread", "100%, 1 thread, lossy up to 0.1"), fitting(limit, 249));
        assertEquals(List.of("100%, 1 thread", "25%, 1 thread", "25%, 1 thread, lossy up to 0.1"), fitting(limit, 250));
        sweep.budgets = List.of("100%", "50%");
        assertEquals(List.of("100%, 1 thread", "50%, 1 thread", "50%, 1 thread, lossy up to 0.1"), fitting(limit, 10));
    }

    private List<String> fitting(MemoryLimit limit, long expertBytes) {
        MemoryPlan plan = new MemoryPlan(limit, expertBytes, List.of());
        List<Setting> settings = sweep.settings(EngineConfig.DEFAULT.withThreads(1), 1000, 10);
        return settings.stream()
                .flatMap(setting -> sweep.fitting(setting, settings.getFirst(), plan).stream())
                .map(Setting::label)
                .toList();
    }

    /// Minutes were measured, and nothing was told of it.
    @Test
    void aSettingThatFindsNoMemoryAfterOthersIsToldAndEndsNothing() {
        assertEquals(
                "Not measured: 25%, 1 thread, as 1 MiB of experts do not fit.",
                SweepRun.withoutMemory(
                        new Setting("25%", OptionalLong.of(1), 1, 0),
                        new InvalidOptionException("ramBytes", "1 MiB of experts do not fit")));
        InvalidOptionException other = new InvalidOptionException("maxKld", "is not calibrated");
        assertSame(other, assertThrows(InvalidOptionException.class, () -> SweepRun.withoutMemory(SETTING, other)));
    }

    @Test
    void whatContradictsIsFoundBeforeAModelIsLookedFor() {
        sweep.threadCounts = List.of(1);
        assertEquals(
                "--threads and --thread-counts: expected one of them",
                assertThrows(IllegalArgumentException.class, () -> sweep.check(EngineConfig.DEFAULT.withThreads(1)))
                        .getMessage());
        sweep.threadCounts = null;
        sweep.budgets = List.of("50%", "much");
        assertThrows(IllegalArgumentException.class, () -> sweep.check(EngineConfig.DEFAULT));
        EngineConfig limited = EngineConfig.DEFAULT.withRamBytes(1 << 20);
        assertEquals(
                "--ram and --budgets: expected one of them",
                assertThrows(IllegalArgumentException.class, () -> sweep.check(limited))
                        .getMessage());
    }
}
