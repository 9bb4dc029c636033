package io.moetier.lab.simulate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.lab.cost.CostModel;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.cache.Policies;
import io.moetier.testdata.TestData;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TuningTest {
    private static final long BYTES = 1 << 20;
    private static final long DENSE = 24L << 20;
    private static final MachineProfile DISK_BOUND = MachineProfile.ofHost("slow disk", 1e18, 1e9, 2e9, 0);

    @Test
    void aSlowDiskDeliversWhatIsMissing() {
        for (Tuning.Row row : tune(DISK_BOUND, sizes(24), "lru", "lfu").rows()) {
            Prediction prediction = row.prediction().orElseThrow();
            assertEquals(BYTES * row.copiesPerToken(), row.bytesPerToken().orElseThrow(), 1e-3);
            assertEquals(1e9, prediction.tokensPerSecond() * row.bytesPerToken().orElseThrow(), 1e5);
            assertEquals(CostModel.Bound.DISK, prediction.bound());
        }
    }

    @Test
    void memoryIsReadForEveryTokenWhereNothingIsMissing() {
        MachineProfile machine = MachineProfile.ofHost("slow memory", 1e9, 1e15, 1e15, 0);
        for (Tuning.Row row : tune(machine, sizes(24), "lru").rows()) {
            assertEquals(
                    1e9 / (DENSE + 96 * BYTES), row.prediction().orElseThrow().tokensPerSecond(), 1e-6);
        }
        MachineProfile idle = MachineProfile.ofHost("slow threads", 1e15, 1e15, 1e15, 1e-3);
        Prediction prediction =
                tune(idle, sizes(24), "lru").rows().getFirst().prediction().orElseThrow();
        assertEquals(1 / 24e-3, prediction.tokensPerSecond(), 0.01);
        assertEquals(CostModel.Bound.OVERHEAD, prediction.bound());
    }

    @Test
    void theSmallestBudgetThatIsNearlyAsFastIsAdvisedWithItsBestPolicy() {
        Tuning.Advice advice = tune(DISK_BOUND, sizes(24), "lfu", "lru", Contender.CLAIRVOYANT)
                .advice()
                .orElseThrow();
        assertEquals("lru", advice.row().policy()); // with the smaller budget lfu finds more
        assertEquals("576", advice.row().plan().spelling());
        assertTrue(advice.next().isEmpty());
        MachineProfile fast = MachineProfile.ofHost("fast disk", 1e9, 1e15, 1e15, 0);
        Tuning.Advice enough = tune(fast, sizes(24), "lfu", "lru").advice().orElseThrow();
        assertEquals("lfu", enough.row().policy());
        assertEquals("192", enough.row().plan().spelling());
        assertEquals("lfu", enough.next().orElseThrow().policy());
        assertEquals("576", enough.next().orElseThrow().plan().spelling());
        assertTrue(tune(fast, sizes(24), Contender.CLAIRVOYANT).advice().isEmpty());
    }

    /// Layers of two sizes are two caches; what one layer misses costs its own bytes.
    @Test
    void sizesAreKeptApart() {
        List<Integer> classes = new ArrayList<>(Collections.nCopies(12, 0));
        classes.addAll(Collections.nCopies(12, 1));
        SlotPlan.Sizes sizes = new SlotPlan.Sizes(classes, List.of(BYTES, 3 * BYTES));
        Tuning.Row row = tune(DISK_BOUND, sizes, List.of(new SlotPlan("b", List.of(384, 4))), "lru")
                .rows()
                .getFirst();
        assertEquals(384 * BYTES + 4 * 3 * BYTES, row.slotBytes().orElseThrow());
        StepCounts roomy = row.outcome().counts().getFirst();
        StepCounts narrow = row.outcome().counts().getLast();
        assertEquals(356, roomy.misses()); // the others of the first twelve layers are never chosen
        assertEquals(1461L * 12 * 4, narrow.hits() + narrow.misses());
        assertEquals(
                (roomy.misses() + 3.0 * narrow.misses()) * BYTES / 1461,
                row.bytesPerToken().orElseThrow(),
                1e-3);
    }

    private static SlotPlan.Sizes sizes(int layers) {
        return SlotPlan.Sizes.uniform(layers, BYTES);
    }

    private static Tuning tune(MachineProfile machine, SlotPlan.Sizes sizes, String... policies) {
        List<SlotPlan> plans = Stream.of(192, 576)
                .map(slots -> new SlotPlan(slots.toString(), List.of(slots)))
                .toList();
        return tune(machine, sizes, plans, policies);
    }

    private static Tuning tune(MachineProfile machine, SlotPlan.Sizes sizes, List<SlotPlan> plans, String... policies) {
        List<Contender> contenders = Stream.of(policies)
                .map(name -> name.equals(Contender.CLAIRVOYANT)
                        ? Contender.clairvoyant()
                        : new Contender(name, Optional.of(Policies.of(name))))
                .toList();
        try (TraceReader reader = TraceReader.open(TestData.trace("gpt-oss-20b_misc_small"))) {
            return Tuning.of(
                    reader,
                    new Simulator(Admission.LAYER, 1, 1),
                    new Tuning.Question(
                            contenders,
                            plans,
                            new ModelSizes(sizes, true, DENSE, Optional.empty()),
                            Optional.of(machine),
                            Misses.COPY,
                            List.of()),
                    new Contender("lru", Optional.of(Policies.of("lru"))));
        }
    }
}
