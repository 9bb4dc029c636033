package io.moetier.runtime.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.TestData;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Hit rates of the policies on real routing: expert after expert, which is what the published figures are
/// for, or a layer at a time as the engine does it.
class ReplayTest {
    private static final RoutingTrace GPT_OSS = RoutingTrace.read(TestData.trace("gpt-oss-20b_misc_small"));
    private static final RoutingTrace DEEPSEEK =
            RoutingTrace.read(TestData.trace("deepseek-v2-lite_esft-translation_small"));

    private static double hitRate(RoutingTrace trace, String policy, double budget) {
        return new Replay(trace, policy, budget).expertAfterExpert();
    }

    private static double layerHitRate(RoutingTrace trace, String policy, double budget) {
        return new Replay(trace, policy, budget).layerAfterLayer();
    }

    /// The same code gives the published reference figures of the whole traces to three digits.
    @ParameterizedTest
    @CsvSource({"0.125, 0.3758, 0.4073", "0.25, 0.6231, 0.6498", "0.5, 0.9318, 0.9148"})
    void lruAndLfuHitAsTheyShouldOnGptOss(double budget, double lru, double lfu) {
        assertEquals(lru, hitRate(GPT_OSS, "lru", budget), 0.00005);
        assertEquals(lfu, hitRate(GPT_OSS, "lfu", budget), 0.00005);
    }

    @ParameterizedTest
    @CsvSource({"0.125, 0.2640, 0.4560", "0.25, 0.5919, 0.6569", "0.5, 0.8499, 0.8566"})
    void lruAndLfuHitAsTheyShouldOnDeepSeek(double budget, double lru, double lfu) {
        assertEquals(lru, hitRate(DEEPSEEK, "lru", budget), 0.00005);
        assertEquals(lfu, hitRate(DEEPSEEK, "lfu", budget), 0.00005);
    }

    @Test
    void aCensusOfTheSameTraceBeatsLfuAndTinyLfuBeatsLru() {
        assertTrue(hitRate(GPT_OSS, "static", 0.25) > hitRate(GPT_OSS, "lfu", 0.25));
        assertTrue(hitRate(GPT_OSS, "tinylfu", 0.25) > hitRate(GPT_OSS, "lru", 0.25));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.0625, 0.125, 0.25, 0.5, 0.75})
    void gateIsNeverWorseThanTheBetterOfLruAndLfu(double budget) {
        for (RoutingTrace trace : List.of(GPT_OSS, DEEPSEEK)) {
            double better = Math.max(layerHitRate(trace, "lru", budget), layerHitRate(trace, "lfu", budget));
            assertTrue(layerHitRate(trace, "gate", budget) > better - 0.005, trace.header()::model);
            better = Math.max(hitRate(trace, "lru", budget), hitRate(trace, "lfu", budget));
            assertTrue(hitRate(trace, "gate", budget) > better - 0.005, trace.header()::model);
        }
    }

    /// The optima are 0.8393 and 0.8003. The estimator learns all it knows within these 1400 tokens.
    @Test
    void gateClosesMoreThanHalfOfTheGapFromLruToTheOptimum() {
        assertEquals(0.7515, layerHitRate(GPT_OSS, "gate", 0.25), 0.0005);
        assertTrue(gap(GPT_OSS, 0.25, 0.8393) > 0.58);
        assertEquals(0.7076, layerHitRate(DEEPSEEK, "gate", 0.25), 0.0005);
        assertTrue(gap(DEEPSEEK, 0.25, 0.8003) > 0.53);
    }

    private static double gap(RoutingTrace trace, double budget, double optimum) {
        double lru = layerHitRate(trace, "lru", budget);
        return (layerHitRate(trace, "gate", budget) - lru) / (optimum - lru);
    }
}
