package io.moetier.lab.throughput;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.lab.throughput.ModelWork.Pass;
import io.moetier.runtime.metrics.Section;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import org.junit.jupiter.api.Test;

/// The work of tiny-mixtral, counted by hand.
class ModelWorkTest {
    private static final double ATTENTION = 2 * 256 * 256 + 2 * 256 * 128; // weights of a layer
    private static final double EXPERT = 3 * 256 * 128;
    private static final int QUERIES = 8 * 32;
    private static final int KEYS = 4 * 32;

    /// Two bytes a weight, and in experts one, but those of layer 1 have half.
    private static final ModelWork.Weights WEIGHTS = new ModelWork.Weights() {
        @Override
        public long bytes(LinearSpec linear) {
            return 2 * linear.numParameters();
        }

        @Override
        public long expertBytes(int layer) {
            return (long) (layer == 1 ? EXPERT / 2 : EXPERT);
        }
    };

    private final ModelWork work = new ModelWork(
            Families.describe(Json.readObject(TestData.tinyMixtral().resolve("config.json"))), WEIGHTS, 4);

    @Test
    void aTokenReadsItsWeightsAndTheKeysAndValuesInFront() {
        Work attention = work.dense(Section.ATTENTION, 3, new Pass(1, 10));
        assertEquals(2 * ATTENTION + 2 * 4 * KEYS * 11, attention.bytes());
        assertEquals(2 * ATTENTION + 4 * QUERIES * 11, attention.operations());
        assertEquals(
                2 * 16 * 256, work.dense(Section.ROUTER, 3, new Pass(1, 10)).bytes());
        assertEquals(
                2 * 4096 * 256, work.dense(Section.HEAD, 0, new Pass(1, 10)).operations());
        assertEquals(Work.NONE, work.dense(Section.FEED_FORWARD, 3, new Pass(1, 10)));
    }

    @Test
    void aPromptReadsWeightsOnceForAllTokensOfAPass() {
        Work attention = work.dense(Section.ATTENTION, 0, new Pass(100, 0));
        assertEquals(2 * ATTENTION + 2 * 4 * KEYS * 100, attention.bytes());
        assertEquals(100 * 2 * ATTENTION + 4 * QUERIES * 5050, attention.operations());
        assertEquals(
                2 * 2 * 16 * 256,
                work.dense(Section.ROUTER, 0, new Pass(600, 0)).bytes());
    }

    @Test
    void anExpertIsReadOnceAndAppliedToManyTokens() {
        Work experts = work.experts(0, 16, 200);
        assertEquals(16 * EXPERT, experts.bytes());
        assertEquals(8 * EXPERT, work.experts(1, 16, 200).bytes());
        assertEquals(200 * 2 * EXPERT, experts.operations());
    }

    @Test
    void partsHaveNamesForPeople() {
        assertEquals("attention", work.kind(Section.ATTENTION, 0));
        assertEquals("embedding and logits", work.kind(Section.HEAD, 0));
        assertEquals(Parts.WAITS, work.kind(Section.WAIT, 5));
    }
}
