package io.moetier.lab.simulate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClairvoyantTest {
    private static final int EXPERTS = 5;
    private static final int TRACES = 150;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5})
    void hitsAsOftenAsTheBestOfAllCaches(int slots) {
        Random random = new Random(slots);
        for (int i = 0; i < TRACES; i++) {
            int[][] steps = new int[24][1];
            for (int[] step : steps) {
                step[0] = (int) Math.min(EXPERTS - 1, Math.abs(random.nextGaussian()) * 2);
            }
            assertEquals(best(steps, slots), hits(steps, slots), () -> Arrays.deepToString(steps));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void neverKeepsTwoExpertsOfAStepAtOnceUnlessItMust(int slots) {
        Random random = new Random(slots);
        for (int i = 0; i < TRACES; i++) {
            int[][] steps = new int[14][];
            Arrays.setAll(
                    steps,
                    step -> random.ints(0, EXPERTS)
                            .distinct()
                            .limit(1 + random.nextInt(3))
                            .toArray());
            assertEquals(best(steps, slots), hits(steps, slots), () -> Arrays.deepToString(steps));
        }
    }

    private static long hits(int[][] steps, int slots) {
        int[] ids = {0, 1, 2, 3, 4};
        Clairvoyant optimum = new Clairvoyant(ids, slots);
        for (int[] step : steps) {
            optimum.step();
            for (int id : step) {
                optimum.use(id);
            }
        }
        return optimum.hits();
    }

    /// Tries every content that a cache may have after each step: any part of what it had and what was used.
    private static int best(int[][] steps, int slots) {
        Map<Integer, Integer> most = new HashMap<>(Map.of(0, 0)); // by content, a set of bits
        for (int[] step : steps) {
            int used = Arrays.stream(step).map(id -> 1 << id).sum();
            Map<Integer, Integer> next = new HashMap<>();
            most.forEach((content, hits) -> {
                int all = content | used;
                int now = hits + Integer.bitCount(content & used);
                for (int kept = all; ; kept = (kept - 1) & all) {
                    if (Integer.bitCount(kept) <= slots) {
                        next.merge(kept, now, Math::max);
                    }
                    if (kept == 0) {
                        break;
                    }
                }
            });
            most = next;
        }
        return most.values().stream().mapToInt(hits -> hits).max().orElseThrow();
    }
}
