package io.moetier.lab.throughput;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SamplesTest {
    /// Rounds that differ, and steps in them that differ less.
    static Samples drawn(SplittableRandom random, double mean) {
        List<long[]> rounds = new ArrayList<>();
        for (int i = 0; i < 15; i++) {
            double round = mean * (1 + 0.03 * random.nextGaussian());
            rounds.add(random.doubles(16)
                    .mapToLong(step -> Math.round(1e9 * round * (0.95 + 0.1 * step)))
                    .toArray());
        }
        return new Samples(rounds);
    }

    @Test
    void aRoundInWhichTheMachineDidSomethingElseChangesNothing() {
        Samples samples = new Samples(List.of(new long[] {10, 30}, new long[] {20, 20}, new long[] {900, 900}));
        assertEquals(20e-9, samples.seconds(), 1e-15);
    }

    @Test
    void theIntervalHoldsTheTruthAsOftenAsItSays() {
        SplittableRandom random = new SplittableRandom(1);
        int held = 0;
        for (int i = 0; i < 200; i++) {
            Estimate estimate = drawn(random, 2).estimate(i);
            held += estimate.low() <= 2 && 2 <= estimate.high() ? 1 : 0;
        }
        assertTrue(held >= 175 && held <= 200, held + " of 200");
    }

    @Test
    void theSameSeedGivesTheSameInterval() {
        Samples samples = drawn(new SplittableRandom(2), 1);
        assertEquals(samples.estimate(7), samples.estimate(7));
    }

    @Test
    void roundsHaveAsManySteps() {
        assertThrows(IllegalArgumentException.class, () -> new Samples(List.of()));
        assertThrows(IllegalArgumentException.class, () -> new Samples(List.of(new long[0])));
        assertThrows(IllegalArgumentException.class, () -> new Samples(List.of(new long[1], new long[2])));
    }
}
