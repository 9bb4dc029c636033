package io.moetier.lab.throughput;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class SteadyStateTest {
    private static double[] series(int length, long seed, IntToDoubleFunction mean) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] series = new double[length];
        Arrays.setAll(series, i -> mean.applyAsDouble(i) * (1 + 0.05 * random.nextGaussian()));
        return series;
    }

    @Test
    void aWarmUpIsFoundWhereItEnds() {
        double[] begins = new double[20];
        for (int seed = 0; seed < begins.length; seed++) {
            begins[seed] = SteadyState.begin(series(400, seed, i -> i < 100 ? 3.0 : 1.0))
                    .orElseThrow();
            assertTrue(begins[seed] >= 95, "from " + begins[seed]); // never before, and seldom much later
        }
        assertTrue(Medians.of(begins) <= 120, () -> Arrays.toString(begins));
    }

    @Test
    void aSlowDecayIsCutWhereItNoLongerShows() {
        int begin = SteadyState.begin(series(400, 1, i -> 1 + 4 * Math.exp(-i / 20.0)))
                .orElseThrow();
        assertTrue(begin >= 50 && begin <= 150, "from " + begin);
    }

    @Test
    void whatIsSteadyFromTheBeginningKeepsMostOfItself() {
        long steady = LongStream.range(0, 200)
                .filter(seed -> SteadyState.begin(series(200, seed, i -> 1.0)).isPresent())
                .count();
        assertTrue(steady >= 170, steady + " of 200");
    }

    @Test
    void aStepThatWasHeldUpIsNoWarmUp() {
        double[] series = series(400, 3, i -> i % 37 == 36 ? 20.0 : 1.0);
        assertTrue(SteadyState.begin(series).isPresent());
    }

    @Test
    void whatBecomesSlowerAtTheEndNeverWasSteady() {
        assertEquals(OptionalInt.empty(), SteadyState.begin(series(400, 4, i -> i < 250 ? 1.0 : 3.0)));
    }

    @Test
    void threeStepsTellNothing() {
        assertEquals(OptionalInt.empty(), SteadyState.begin(new double[] {1, 1, 1}));
        assertEquals(OptionalInt.of(1), SteadyState.begin(new double[] {9, 1, 1, 1}));
    }
}
