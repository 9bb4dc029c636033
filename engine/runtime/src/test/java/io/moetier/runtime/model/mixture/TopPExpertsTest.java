package io.moetier.runtime.model.mixture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.kernels.device.Routing;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.device.Routing.Score;
import org.junit.jupiter.api.Test;

class TopPExpertsTest {
    private static final Routing ROUTING = Routing.softmax(8, 3);

    @Test
    void asFewExpertsAsReachTheShareAreKept() {
        int[] ids = {4, 1, 7, 2, 3, 5};
        float[] weights = {0.5f, 0.25f, 0.125f, 0.75f, 0.125f, 0.0625f};
        new TopPExperts(ROUTING, 0.7).keep(ids, weights, 2);
        assertArrayEquals(new int[] {4, 1, -1, 2, -1, -1}, ids);
        assertArrayEquals(new float[] {0.5f, 0.25f, 0, 0.75f, 0, 0}, weights);
    }

    @Test
    void allAreKeptWhereTogetherTheyDoNotReachIt() {
        int[] ids = {4, 1, 7};
        float[] weights = {0.25f, 0.25f, 0.125f};
        new TopPExperts(ROUTING, 1).keep(ids, weights, 1);
        assertArrayEquals(new int[] {4, 1, 7}, ids);
        assertArrayEquals(new float[] {0.25f, 0.25f, 0.125f}, weights);
    }

    @Test
    void oneIsKeptHoweverSmallTheShare() {
        int[] ids = {4, 1, 7};
        float[] weights = {0.5f, 0.25f, 0.125f};
        new TopPExperts(ROUTING.normalised(Normalisation.SUM), 1e-9).keep(ids, weights, 1);
        assertArrayEquals(new int[] {4, -1, -1}, ids);
        assertArrayEquals(new float[] {1, 0, 0}, weights);
    }

    @Test
    void theWeightsOfThoseThatAreKeptAreDividedAndMultipliedAsTheFamilyDoes() {
        int[] ids = {4, 1, 7};
        float[] weights = {0.5f, 0.25f, 0.125f};
        new TopPExperts(ROUTING.normalised(Normalisation.SUM).times(3), 0.75).keep(ids, weights, 1);
        assertArrayEquals(new float[] {2, 1, 0}, weights);
    }

    @Test
    void scoresThatAreNoProbabilitiesAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new TopPExperts(ROUTING.scoredBy(Score.SIGMOID), 0.5));
    }
}
