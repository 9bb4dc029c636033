package io.moetier.cli.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.models.ModelSummary;
import io.moetier.lab.cost.CostModel.Bound;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.plan.HitPriors;
import io.moetier.lab.plan.Interval;
import io.moetier.lab.plan.PlannedModel;
import io.moetier.lab.plan.PriorRouting;
import io.moetier.lab.plan.SpeedForecast;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.MemoryForecast;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.testdata.TestData;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/// A GPU whose experts do not all fit in main memory either.
class DiskBelowAGpuTest {
    private static final MachineProfile GPU = MachineProfile.ofDevice("rtx3060").orElseThrow();
    private static final long LITTLE = 20 << 20; // less than half of the experts
    private static final long MUCH = 1 << 30;

    private final PlannedModel model = ModelSummary.of(TestData.tinyMixtral()).planned();

    @Test
    void anUnknownDiskIsNoFastOne() {
        assertEquals(Optional.empty(), forecast(OptionalDouble.empty(), 2, LITTLE));
        assertTrue(forecast(OptionalDouble.empty(), 1, LITTLE).isPresent(), "main memory has all");
        assertTrue(forecast(OptionalDouble.empty(), 2, MUCH).isPresent(), "the GPU has all");
    }

    @Test
    void whatIsWaitedForMakesItSlowerAndLessCertain() {
        SpeedForecast resident = forecast(OptionalDouble.empty(), 1, LITTLE).orElseThrow();
        SpeedForecast slow = forecast(OptionalDouble.of(1e7), 2, LITTLE).orElseThrow();
        assertTrue(slow.tokensPerSecond().likely() < resident.tokensPerSecond().likely() / 10, () -> "" + slow);
        assertTrue(width(slow.tokensPerSecond()) > width(resident.tokensPerSecond()), () -> "" + slow);
        assertEquals(Bound.DISK, slow.bound());
    }

    private static double width(Interval interval) {
        return interval.high() / interval.low();
    }

    /// @param part so many times fewer bytes of main memory than all experts take
    /// @param vram of the GPU
    private Optional<SpeedForecast> forecast(OptionalDouble disk, int part, long vram) {
        EngineConfig config = EngineConfig.DEFAULT
                .withContextLength(64)
                .withRamBytes(model.memory().slotBudget().allBytes() / part);
        MemoryForecast memory = MemoryForecast.of(
                model.memory(),
                config,
                List.of(new MemoryLimit(MemoryLimit.Kind.GROUP, "a group", 16L << 30, 0)),
                Optional.of(new MemoryForecast.PlannedDevice(vram, OptionalLong.of(vram))),
                true);
        SpeedForecast.Basis basis =
                new SpeedForecast.Basis(GPU.withDisk(disk), Optional.empty(), new PriorRouting(HitPriors.shipped()));
        return SpeedForecast.of(model, memory, basis, 0);
    }
}
