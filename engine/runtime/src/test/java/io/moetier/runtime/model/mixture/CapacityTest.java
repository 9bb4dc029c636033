package io.moetier.runtime.model.mixture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.runtime.model.spec.CapacitySpec;
import org.junit.jupiter.api.Test;

class CapacityTest {
    @Test
    void anExpertTakesTheFirstTokensThatChoseIt() {
        int[] ids = {2, 0, 2, 2};
        float[] weights = {0.5f, 0.5f, 0.75f, 1};
        new Capacity(new CapacitySpec(2, 0, false, false), 3).limit(ids, weights, 4, 1);
        assertArrayEquals(new int[] {2, 0, 2, -1}, ids);
        assertArrayEquals(new float[] {0.5f, 0.5f, 0.75f, 0}, weights);
    }

    @Test
    void secondChoicesQueueBehindAllFirstOnes() {
        int[] ids = {0, 1, 1, 0, 1, 2};
        float[] weights = {0.5f, 0.25f, 0.5f, 0.25f, 0.5f, 0.25f};
        new Capacity(new CapacitySpec(0, 0.5, false, true), 3).limit(ids, weights, 3, 2);
        assertArrayEquals(new int[] {0, -1, 1, 0, 1, 2}, ids);
        assertArrayEquals(new float[] {1, 0, 2 / 3f, 1 / 3f, 2 / 3f, 1 / 3f}, weights, 1e-6f);
    }

    @Test
    void tokensMayQueueByTheirProbability() {
        int[] ids = {2, 2, 2};
        float[] weights = {0.25f, 0.75f, 0.5f};
        new Capacity(new CapacitySpec(1, 0, true, false), 3).limit(ids, weights, 3, 1);
        assertArrayEquals(new int[] {-1, 2, -1}, ids);
    }

    @Test
    void aShareIsRoundedUp() {
        assertEquals(11, new CapacitySpec(0, 0.4, false, false).of(26));
        assertEquals(1, new CapacitySpec(0, 0.4, false, false).of(1));
    }
}
