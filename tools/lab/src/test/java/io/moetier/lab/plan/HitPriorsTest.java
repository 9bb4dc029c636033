package io.moetier.lab.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.lab.simulate.StepCounts;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HitPriorsTest {
    private static final int STEPS = 100;

    @TempDir
    Path directory = Path.of("");

    @Test
    void moreRoomFindsMoreAndAllRoomFindsAll() {
        HitPriors priors = HitPriors.shipped();
        for (int[] model : new int[][] {{8, 2}, {64, 8}, {128, 8}, {512, 10}}) {
            double before = 0;
            for (int step = 1; step <= STEPS; step++) {
                HitPriors.Hits hits = priors.at(model[0], model[1], (double) step / STEPS);
                assertTrue(hits.rate() >= before && hits.rate() <= 1, "at " + step + ": " + hits);
                assertTrue(hits.deviation() >= 0 && hits.deviation() < 0.3, "at " + step + ": " + hits);
                before = hits.rate();
            }
            assertEquals(new HitPriors.Hits(1, 0), priors.at(model[0], model[1], 1));
        }
    }

    @Test
    void nearlyAllRoomDoesNotFindAll() {
        HitPriors.Curve curve = new HitPriors.Curve("a trace", 1, 8, 2, List.of(0.25, 0.5), List.of(0.6, 0.8));
        assertEquals(0.9, curve.at(0.75), 1e-12);
        HitPriors.Hits hits = HitPriors.shipped().at(64, 6, 0.9);
        assertTrue(hits.rate() < 1 && hits.deviation() > 0, hits.toString());
    }

    @Test
    void aModelThatIsUnlikeAllOthersIsLessCertain() {
        HitPriors priors = HitPriors.shipped();
        assertTrue(priors.at(1024, 2, 0.25).deviation() > priors.at(64, 6, 0.25).deviation());
    }

    /// The generator makes curves of the small traces that those of the whole ones agree with.
    @ParameterizedTest
    @ValueSource(strings = {"gpt-oss-20b_misc_small", "deepseek-v2-lite_esft-translation_small"})
    void aTraceIsWithinThePriors(String name) throws IOException {
        Path file = directory.resolve("priors.json");
        PriorCurves.main(file.toString(), TestData.trace(name).toString());
        assertTrue(Files.size(file) < 4096);
        HitPriors.Curve curve = PriorCurves.of(TestData.trace(name));
        HitPriors priors = HitPriors.shipped();
        for (double share : new double[] {0.25, 0.5, 0.75}) {
            HitPriors.Hits hits = priors.at(curve.experts(), curve.topK(), share);
            assertEquals(hits.rate(), curve.at(share), 2 * hits.deviation(), "at " + share);
        }
    }

    @Test
    void chanceMissesAsOftenAsItShould() {
        StepCounts counts = StepCounts.ofChance(8, 0.75, 1_000_000);
        double all = (double) counts.hits() + counts.misses();
        assertEquals(0.75, counts.hits() / all, 1e-4);
        assertEquals(8_000_000, all, 100);
        assertEquals(1_000_000 * Math.pow(0.75, 8), (double) counts.steps(0), 1);
        assertEquals(4, counts.meanHits(4), 0);
    }
}
