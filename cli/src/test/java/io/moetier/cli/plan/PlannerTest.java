package io.moetier.cli.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.models.ModelSummary;
import io.moetier.cli.option.OptionFlags;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.plan.Alternative;
import io.moetier.lab.plan.Candidate;
import io.moetier.lab.plan.HitPriors;
import io.moetier.lab.plan.Place;
import io.moetier.lab.plan.PlannedModel;
import io.moetier.lab.plan.Planner;
import io.moetier.lab.plan.PriorRouting;
import io.moetier.lab.plan.TracedRouting;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.offload.SlotBudget.SizeClassCount;
import io.moetier.runtime.session.MemoryForecast;
import io.moetier.runtime.session.MemoryPlan;
import io.moetier.runtime.session.SessionTrace;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.model.Phase;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlannerTest {
    private static final MachineProfile MACHINE = MachineProfile.ofHost("a machine", 10e9, 1e9, 4e9, 0);
    private static final MemoryLimit LIMIT = new MemoryLimit(MemoryLimit.Kind.GROUP, "a group", 16L << 30, 0);

    private final PlannedModel small = ModelSummary.of(TestData.tinyMixtral()).planned();
    private final PlannedModel large = new PlannedModel(
            small.weights(),
            small.sizes(),
            new MemoryForecast.Model(
                    small.spec(),
                    small.memory().sizeClasses().stream()
                            .map(of -> new SizeClassCount(of.numExperts(), (4 * LIMIT.bytes()) / of.numExperts()))
                            .toList(),
                    small.memory().otherWeightBytes()));

    @Test
    void whatMemoryCannotHoldComesFromTheDiskHoweverItIsRead() {
        double direct = plan(large, IoMode.DIRECT).likelySpeed();
        assertTrue(direct > 0);
        for (IoMode io : IoMode.values()) {
            assertEquals(direct, plan(large, io).likelySpeed(), 1e-9 * direct, io::name);
        }
    }

    @Test
    void loadersReadThroughMemoryUnlessTheyGoPastTheCache() {
        for (IoMode io : IoMode.values()) {
            boolean past = io == IoMode.DIRECT || io == IoMode.AUTO;
            assertEquals(past, loaderBytes(large, io) == 0, io::name);
            assertEquals(io == IoMode.DIRECT, loaderBytes(small, io) == 0, io::name);
        }
    }

    @Test
    void generatedTokensGoThroughNoEncoder(@TempDir Path folder) {
        PlannedModel model = ModelSummary.of(TestData.golden("nllb_moe")).planned();
        assertEquals(4, model.layers());
        assertEquals(24, model.numExperts());
        SlotPlan decoders = new SlotPlan("half of all", List.of(12));
        assertEquals(List.of(0, 0), model.sizes().experts().classOfLayer());
        assertEquals(
                1,
                new PriorRouting(HitPriors.shipped())
                        .expect(model, decoders)
                        .outcome()
                        .hitRate());
        Path trace = folder.resolve("t.jsonl.gz");
        try (TraceRecorder recorder = new TraceRecorder(trace, SessionTrace.header("", model.spec(), ""))) {
            for (int position = 0; position < 8; position++) {
                int[][] chosen = {{0, 1}, {2, position < 7 ? 3 : 4}}; // the last one for the first time
                recorder.record(new TraceToken(0, position, Phase.DECODE, chosen, Optional.empty(), Optional.empty()));
            }
            recorder.finish();
        }
        assertEquals(
                1, new TracedRouting(trace).expect(model, decoders).outcome().hitRate());
    }

    private static long loaderBytes(PlannedModel model, IoMode io) {
        return plan(model, io).memory().orElseThrow().plan().parts().stream()
                .filter(part -> part.name().contains("loaders"))
                .mapToLong(MemoryPlan.Part::bytes)
                .sum();
    }

    private static Alternative plan(PlannedModel model, IoMode io) {
        Place place =
                new Place("a machine", Optional.of(MACHINE), Place.Origin.FILE, Optional.empty(), Optional.empty());
        return new Planner(List.of(LIMIT), new PriorRouting(HitPriors.shipped()), io, OptionFlags::sentence)
                .plan(new Candidate("a", Optional.empty(), "a", model), place, 64);
    }
}
