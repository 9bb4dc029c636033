package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.emulator.driver.clock.EngineKind;
import io.moetier.emulator.driver.clock.GpuCosts;
import io.moetier.emulator.driver.stream.TimelineEntry;
import io.moetier.runtime.metrics.Section;
import java.util.List;
import org.junit.jupiter.api.Test;

class StepBoundTest {
    private static final double KERNEL = GpuCosts.DEFAULT.latencies().kernelNanos();
    private static final double COPY = GpuCosts.DEFAULT.latencies().copyNanos();

    private static TimelineEntry entry(EngineKind engine, double issued, double nanos) {
        return new TimelineEntry(0, engine, 1, "", issued, 1e9, 1e9 + nanos); // when it ran is no matter
    }

    @Test
    void eachLayerTakesTheLongerOfItsExpertsAndItsCopies() {
        Section[] sections = {
            Section.EMBEDDING,
            Section.ATTENTION,
            Section.ROUTER,
            Section.EXPERTS,
            Section.WAIT,
            Section.EXPERTS,
            Section.ATTENTION,
            Section.ROUTER,
            Section.EXPERTS,
            Section.HEAD,
            Section.HEAD // an array may be longer than what is in it
        };
        int[] layers = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1};
        double[] began = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
        List<TimelineEntry> entries = List.of(
                entry(EngineKind.COMPUTE, -5, 1e6), // of the step before
                entry(EngineKind.COMPUTE, 5, 3_000),
                entry(EngineKind.COMPUTE, 15, 10_000),
                entry(EngineKind.COMPUTE, 25, 4_000),
                entry(EngineKind.TO_HOST, 26, 7_000),
                entry(EngineKind.TO_DEVICE, 32, 50_000),
                entry(EngineKind.COMPUTE, 35, 20_000),
                entry(EngineKind.TO_DEVICE, 45, 60_000), // by a loader, while the host waits
                entry(EngineKind.COMPUTE, 55, 5_000),
                entry(EngineKind.COMPUTE, 65, 11_000),
                entry(EngineKind.TO_DEVICE, 82, 8_000),
                entry(EngineKind.COMPUTE, 85, 30_000),
                entry(EngineKind.COMPUTE, 95, 2_500));
        StepBound bound = new StepBound();
        bound.add(sections, layers, 10, began, entries);
        double first = 3_000 + 10_000 + 4_000 + 7_000 + (50_000 + 60_000);
        double second = 11_000 + 30_000 + 2_500;
        assertEquals(first + second, bound.nanos(), 1e-6);
        double starts = 3 * KERNEL + COPY + 2 * COPY + 3 * KERNEL;
        assertEquals(first + second - starts, bound.byteNanos(), 1e-6);
        bound.add(sections, layers, 10, began, entries);
        assertEquals(2 * (first + second), bound.nanos(), 1e-6);
    }
}
