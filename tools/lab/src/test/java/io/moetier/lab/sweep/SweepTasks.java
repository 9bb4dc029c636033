package io.moetier.lab.sweep;

import io.moetier.lab.simulate.Admission;
import io.moetier.lab.simulate.MissDivision;
import io.moetier.lab.simulate.Outcome;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.lab.simulate.StepCounts;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// Tasks for tests, of traces that are not there.
final class SweepTasks {
    static final TraceId TRACE = new TraceId("ab".repeat(TraceId.DIGEST_BYTES), 1234);

    private static final MissDivision HALF = (missing, _) -> missing / 2;

    private SweepTasks() {}

    static SweepTask task(String spelling) {
        SlotPlan.Sizes sizes = new SlotPlan.Sizes(List.of(0, 0, 1), List.of(1L << 20, 3L << 20));
        TraceId other = new TraceId("cd".repeat(TraceId.DIGEST_BYTES), 5);
        return new SweepTask(
                TRACE,
                List.of(other, TRACE),
                Optional.of(other),
                new Simulator(Admission.LAYER, 3, 17, 1),
                SweepSizes.of(sizes, 6, HALF),
                List.of("lru", "layer:static", "belady"),
                new SlotPlan(spelling, List.of(7, 2)));
    }

    static List<SweepPiece> pieces(int number) {
        return IntStream.range(0, number)
                .mapToObj(i -> new SweepPiece(0, i, task("" + i), 1))
                .toList();
    }

    /// Returns what a task could have counted; its number of tokens is `tokens`.
    static SweepReply.Computed computed(SweepTask task, long tokens) {
        List<Outcome> outcomes = task.policies().stream()
                .map(policy -> new Outcome(policy, task.plan(), tokens, counts(tokens), tokens / 2, counts(tokens / 2)))
                .toList();
        return new SweepReply.Computed(outcomes, 1000);
    }

    private static List<StepCounts> counts(long steps) {
        long[] none = new long[7];
        long[] some = {steps, 0, 2, 0, 0, 0, 1};
        return List.of(StepCounts.of(some, some, none), StepCounts.of(none, none, none));
    }
}
