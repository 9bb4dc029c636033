package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Routing;
import io.moetier.kernels.device.Routing.Groups;
import io.moetier.kernels.device.Routing.Groups.Rank;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.device.Routing.Score;
import io.moetier.kernels.device.Routing.SparseMixer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ExpertChoiceTest {
    private static final double ULP = 1e-7;

    private int[] ids = {};
    private float[] weights = {};

    @Test
    void correctsScoresForTheChoiceOnly() {
        float[] logits = {0, 1, 2, 3};
        route(Routing.softmax(4, 2).scoredBy(Score.SIGMOID), new float[] {1, 0, 0.2f, 0}, logits);
        assertArrayEquals(new int[] {2, 0}, ids); // by falling weight, though 0 was the first choice
        assertWeights(sigmoid(2), sigmoid(0));
        route(Routing.softmax(4, 2), new float[] {1, 0, 0, -1}, logits);
        assertArrayEquals(new int[] {2, 0}, ids);
        double sum = 1 + Math.E + Math.exp(2) + Math.exp(3);
        assertWeights(Math.exp(2) / sum, 1 / sum);
    }

    @Test
    void choosesTheLikeliestAndTheLowerIdOfATie() {
        route(Routing.softmax(4, 3), null, new float[] {1, 3, 2, 3});
        assertArrayEquals(new int[] {1, 3, 2}, ids);
        double sum = 2 * Math.exp(3) + Math.exp(2) + Math.exp(1);
        assertWeights(Math.exp(3) / sum, Math.exp(3) / sum, Math.exp(2) / sum);
        route(Routing.softmax(4, 2).normalised(Normalisation.SUM), null, new float[4]);
        assertArrayEquals(new int[] {0, 1}, ids);
        assertWeights(0.5, 0.5);
    }

    @Test
    void aTieOfCorrectedScoresGoesToTheLowerId() {
        route(Routing.softmax(4, 2).scoredBy(Score.SIGMOID), new float[] {0, 0.5f, 0.5f, 0.5f}, new float[4]);
        assertArrayEquals(new int[] {1, 2}, ids);
    }

    @Test
    void choosesFromTheGroupsWithTheBestExpert() {
        Routing routing = Routing.softmax(6, 2).grouped(new Groups(3, 1, Rank.BEST));
        float[] logits = {5, 0, 4, 4, 6, 1};
        route(routing, null, logits);
        assertArrayEquals(new int[] {4, 5}, ids);
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        assertWeights(Math.exp(6) / sum, Math.E / sum); // of all experts
    }

    @Test
    void choosesFromTheGroupsWithTheTwoBestExperts() {
        Routing routing = Routing.softmax(6, 3)
                .scoredBy(Score.SIGMOID)
                .grouped(new Groups(2, 1, Rank.SUM_OF_TWO))
                .normalised(Normalisation.sumAnd(1e-20))
                .times(2.5);
        route(routing, null, new float[] {-0.5f, -1, 3, 1, 0.9f, -5});
        assertArrayEquals(new int[] {3, 4, 5}, ids);
        double sum = sigmoid(1) + sigmoid(0.9f) + sigmoid(-5);
        assertWeights(2.5 * sigmoid(1) / sum, 2.5 * sigmoid(0.9f) / sum, 2.5 * sigmoid(-5) / sum);
    }

    /// As the reference does, where an expert of another group counts as 0 and beats what is corrected below that.
    @Test
    void expertsOutsideTheBestGroupsScoreNothing() {
        Routing routing = Routing.softmax(4, 2).scoredBy(Score.SIGMOID).grouped(new Groups(2, 1, Rank.BEST));
        route(routing, new float[] {0, 0, 0, -2}, new float[] {-3, -3, 3, 0});
        assertArrayEquals(new int[] {2, 0}, ids);
        assertWeights(sigmoid(3), sigmoid(-3));
    }

    /// As the code of Ling 2.0 has it, and llama.cpp.
    @Test
    void expertsOutsideTheBestGroupsMayBeNoneToChoose() {
        Groups groups = new Groups(2, 1, Rank.BEST).exclusively();
        Routing routing = Routing.softmax(4, 2).scoredBy(Score.SIGMOID).grouped(groups);
        route(routing, new float[] {0, 0, 0, -2}, new float[] {-3, -3, 3, 0});
        assertArrayEquals(new int[] {2, 3}, ids);
        assertWeights(sigmoid(3), sigmoid(0));
    }

    @Test
    void dividesTheChosenScores() {
        float[] logits = {0, 1, 2};
        double a = sigmoid(2);
        double b = sigmoid(1);
        Routing routing = Routing.softmax(3, 2).scoredBy(Score.SIGMOID);
        route(routing.normalised(Normalisation.sumAnd(0.5)), null, logits);
        assertWeights(a / (a + b + 0.5), b / (a + b + 0.5));
        route(routing.normalised(Normalisation.sumOrAtLeast(4)), null, logits);
        assertWeights(a / 4, b / 4);
        route(routing.normalised(Normalisation.sumOrAtLeast(0.1)), null, logits);
        assertWeights(a / (a + b), b / (a + b));
        route(routing.normalised(Normalisation.norm(2)), null, logits);
        assertWeights(a / Math.hypot(a, b), b / Math.hypot(a, b));
    }

    @Test
    void renormalisedSoftmaxIsSoftmaxOverTheChosen() {
        route(Routing.softmax(4, 2).normalised(Normalisation.SUM), null, new float[] {1, -2, 0.5f, 0});
        assertWeights(1 / (1 + Math.exp(-0.5)), 1 / (1 + Math.exp(0.5)));
    }

    @Test
    void theSparseMixerWeighsEachChoiceAmongItsNearestRivals() {
        Routing routing = Routing.softmax(5, 2).scoredBy(new SparseMixer(0.1));
        route(routing, null, new float[] {2, 1.7f, -1, 1.3f, 1.5f});
        assertArrayEquals(new int[] {0, 1}, ids);
        // 2 against 1.7: (2 - 1.7) / 2 is at most 0.2; then 1.7 against 1.5, but not against 1.3.
        assertWeights(1 / (1 + Math.exp(1.7f - 2)), 1 / (1 + Math.exp(1.5f - 1.7f)));
        route(routing, null, new float[] {-1, -1.1f, -3, -1.2f, -5});
        assertArrayEquals(new int[] {0, 1}, ids);
        assertWeights(1 / (1 + Math.exp(-1.1f + 1) + Math.exp(-1.2f + 1)), 1 / (1 + Math.exp(-1.2f + 1.1f)));
    }

    @Test
    void chooseEachExpertOnceOfWhatIsNotANumber() {
        for (Score score : new Score[] {Score.SOFTMAX, Score.SIGMOID, new SparseMixer(0.1)}) {
            route(Routing.softmax(3, 3).scoredBy(score), null, new float[] {Float.NaN, 1, Float.NaN});
            assertEquals(0 + 1 + 2, ids[0] + ids[1] + ids[2]);
            assertEquals(0 * 1 * 2, ids[0] * ids[1] * ids[2]);
        }
    }

    @Test
    void refusesGroupsThatDoNotFit() {
        Routing routing = Routing.softmax(6, 3);
        assertThrows(IllegalArgumentException.class, () -> routing.grouped(new Groups(4, 1, Rank.BEST)));
        assertThrows(IllegalArgumentException.class, () -> routing.grouped(new Groups(3, 4, Rank.BEST)));
        assertThrows(IllegalArgumentException.class, () -> routing.grouped(new Groups(6, 3, Rank.SUM_OF_TWO)));
        IllegalArgumentException thrown =
                assertThrows(IllegalArgumentException.class, () -> routing.grouped(new Groups(3, 1, Rank.BEST)));
        assertEquals("groups of 2 experts are too small to choose 3 of 1", thrown.getMessage());
    }

    /// Routes the token many times, so that the threads share them.
    private void route(Routing routing, float @Nullable [] correction, float[] logits) {
        int k = routing.numExpertsPerToken();
        int n = 300;
        float[] repeated = new float[n * logits.length];
        for (int i = 0; i < repeated.length; i++) {
            repeated[i] = logits[i % logits.length];
        }
        ids = new int[n * k];
        weights = new float[n * k];
        try (CpuDevice device = CpuDevice.open(2, KernelChoice.PLAIN)) {
            DeviceBuffer buffer = device.allocate(repeated.length);
            device.upload(repeated, 0, repeated.length, buffer, 0);
            device.kernels().route(buffer, n, routing, correction, ids, weights);
        }
        for (int i = k; i < n * k; i++) {
            assertEquals(ids[i % k], ids[i]);
            assertEquals(weights[i % k], weights[i]);
        }
        ids = Arrays.copyOf(ids, k);
    }

    private void assertWeights(double... expected) {
        for (int j = 0; j < expected.length; j++) {
            assertEquals(expected[j], weights[j], ULP * Math.max(1, expected[j]), "weight " + j);
        }
    }

    private static double sigmoid(float x) {
        return 1 / (1 + Math.exp(-x));
    }
}
