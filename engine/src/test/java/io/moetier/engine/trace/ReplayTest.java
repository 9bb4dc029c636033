package io.moetier.engine.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.ExpertId;
import io.moetier.testdata.TestData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Hit rates of the policies on real routing, token after token, layer after layer, expert after expert.
class ReplayTest {
    private static final RoutingTrace GPT_OSS = RoutingTrace.read(TestData.trace("gpt-oss-20b_misc_small"));
    private static final RoutingTrace DEEPSEEK =
            RoutingTrace.read(TestData.trace("deepseek-v2-lite_esft-translation_small"));

    private static double hitRate(RoutingTrace trace, String policy, double budget) {
        TraceHeader header = trace.header();
        int[] ids = new int[header.layers() * header.experts()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = ExpertId.pack(header.moeLayerIndices().get(i / header.experts()), i % header.experts());
        }
        int numSlots = (int) (budget * ids.length);
        ExpertCache cache = new ExpertCache(
                ids, numSlots, Policies.of(policy, trace.censusById()).create(ids, numSlots));
        for (TraceToken token : trace.tokens()) {
            for (int layer = 0; layer < header.layers(); layer++) {
                for (int expert : token.experts()[layer]) {
                    int id = ExpertId.pack(header.moeLayerIndices().get(layer), expert);
                    if (cache.access(id) < 0) {
                        cache.unpin(cache.reserve(id));
                    }
                }
            }
        }
        return cache.stats().hitRate();
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
}
