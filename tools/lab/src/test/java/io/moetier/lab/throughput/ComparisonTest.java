package io.moetier.lab.throughput;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.lab.throughput.Comparison.Change;
import io.moetier.storage.model.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ComparisonTest {
    private static final int POINTS = 6;
    private static final double THRESHOLD = 0.05;

    private static Throughput drawn(long seed, double factorOfLast) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Measured> all = new ArrayList<>();
        for (int i = 0; i < POINTS; i++) {
            double seconds = i == POINTS - 1 ? factorOfLast : 1;
            all.add(measured(i, SamplesTest.drawn(random, seconds), seconds));
        }
        return new Throughput("a model", "a processor", all);
    }

    private static Measured measured(int depth, Samples samples, double seconds) {
        Parts parts = new Parts(Map.of());
        parts.add("attention", 0.25, Work.NONE);
        parts.add("experts", seconds - 0.25, Work.NONE);
        Peaks unknown = new Peaks(
                OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty());
        return new Measured(
                new Case(Phase.DECODE, 16, depth, "100%", 2, 0), samples, parts, unknown, Optional.of(0), 1, 0);
    }

    @Test
    void whatIsAsFastRaisesNoAlarm() {
        for (int seed = 0; seed < 50; seed++) {
            Comparison same = Comparison.of(drawn(2L * seed, 1), drawn(2L * seed + 1, 1), THRESHOLD, seed);
            assertFalse(same.hasRegression(), "seed " + seed);
        }
    }

    @Test
    void whatIsSlowerIsFoundAndNothingElse() {
        for (int seed = 0; seed < 20; seed++) {
            Comparison slower = Comparison.of(drawn(2L * seed, 1), drawn(2L * seed + 1, 1.15), THRESHOLD, seed);
            List<Change> regressions =
                    slower.changes().stream().filter(Change::isRegression).toList();
            assertEquals(1, regressions.size(), "seed " + seed);
            assertEquals(POINTS - 1, regressions.getFirst().of().depth());
            assertEquals(1.15, regressions.getFirst().ratio().value(), 0.05);
            assertEquals(
                    "experts",
                    regressions.getFirst().parts().keySet().iterator().next());
        }
    }

    @Test
    void whatIsSlowerByLessThanTheThresholdIsSaidAndIsNoRegression() {
        Comparison slower = Comparison.of(drawn(0, 1), drawn(1, 1.15), 0.3, 0);
        Change last = slower.changes().getLast();
        assertTrue(last.slower() > 0.99, () -> "" + last);
        assertFalse(slower.hasRegression());
    }

    @Test
    void fourRoundsAreNoGround() {
        Samples few = new Samples(List.of(new long[] {10}, new long[] {10}, new long[] {10}, new long[] {10}));
        Samples slow = new Samples(List.of(new long[] {30}, new long[] {30}, new long[] {30}, new long[] {30}));
        Throughput before = new Throughput("m", "d", List.of(measured(0, few, 1)));
        Throughput after = new Throughput("m", "d", List.of(measured(0, slow, 3)));
        assertFalse(Comparison.of(before, after, THRESHOLD, 0).hasRegression());
    }

    @Test
    void pointsOfOneAloneAreNamed() {
        Throughput before = drawn(0, 1);
        Throughput fewer =
                new Throughput("a model", "a processor", before.cases().subList(1, POINTS));
        assertEquals(
                List.of(before.cases().getFirst().of()),
                Comparison.of(before, fewer, THRESHOLD, 0).missing());
        assertEquals(
                List.of(before.cases().getFirst().of()),
                Comparison.of(fewer, before, THRESHOLD, 0).missing());
    }
}
