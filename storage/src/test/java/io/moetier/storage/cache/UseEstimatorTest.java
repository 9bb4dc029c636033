package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.ExpertId;
import java.lang.reflect.Array;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Random;
import org.junit.jupiter.api.Test;

class UseEstimatorTest {
    private static final int LAYERS = 3;
    private static final int EXPERTS = 8;
    private static final int[] IDS = Clairvoyant.ids(LAYERS, EXPERTS);

    private final int[] guessed = new int[EXPERTS];
    private final float[] probabilities = new float[EXPERTS];

    private static void choose(UseEstimator estimator, int layer, int... experts) {
        int[] ids = Arrays.stream(experts)
                .map(expert -> ExpertId.pack(layer, expert))
                .toArray();
        estimator.observe(ids, null, ids.length);
    }

    /// What layers 1 and 2 choose is a function of what layer 0 chose, and no token is like the one before it.
    @Test
    void learnsWhatFollowsWithinAToken() {
        UseEstimator estimator = new UseEstimator(IDS, 12);
        Random random = new Random(3);
        int right = 0;
        for (int token = 0; token < 600; token++) {
            int a = random.nextInt(4);
            choose(estimator, 0, a, a + 4);
            assertEquals(2, estimator.likeliest(1, guessed, probabilities, 2));
            boolean foreseen = guessed[0] + guessed[1] == 3 - a + 7 - a && (guessed[0] == 3 - a || guessed[0] == 7 - a);
            right += token >= 400 && foreseen ? 1 : 0;
            choose(estimator, 1, 7 - a, 3 - a);
            choose(estimator, 2, a, a + 4);
        }
        assertTrue(right > 190, right + " of 200");
        assertTrue(probabilities[1] > 0.8, Arrays.toString(probabilities));
    }

    /// What layer 6 chooses, layer 0 chose a token before, which no table of pairs sees: those look two layers back.
    @Test
    void learnsWhatFollowsFromALayerFarBack() {
        int numLayers = 8;
        UseEstimator estimator = new UseEstimator(Clairvoyant.ids(numLayers, EXPERTS), numLayers * EXPERTS / 4);
        Random random = new Random(17);
        int topic = 0;
        int right = 0;
        for (int token = 0; token < 3000; token++) {
            int next = random.nextInt(EXPERTS);
            for (int layer = 0; layer < numLayers; layer++) {
                choose(estimator, layer, layer == 0 ? next : layer == 6 ? topic : random.nextInt(EXPERTS));
                boolean foreseen = layer == 6 && mostWorth(estimator, layer) == next;
                right += token >= 2000 && foreseen ? 1 : 0;
            }
            topic = next;
        }
        assertTrue(right > 900, right + " of 1000");
    }

    private static int mostWorth(UseEstimator estimator, int layer) {
        int most = 0;
        for (int expert = 1; expert < EXPERTS; expert++) {
            if (estimator.worth(ExpertId.pack(layer, expert)) > estimator.worth(ExpertId.pack(layer, most))) {
                most = expert;
            }
        }
        return most;
    }

    @Test
    void probabilitiesAreShares() {
        UseEstimator estimator = new UseEstimator(IDS, 12);
        Random random = new Random(5);
        double foreseen = 0;
        double chosen = 0;
        for (int token = 0; token < 4000; token++) {
            choose(estimator, 0, random.nextInt(EXPERTS));
            int n = estimator.likeliest(1, guessed, probabilities, EXPERTS);
            int next = random.nextInt(4) > 0 ? 6 : random.nextInt(EXPERTS); // 6 is chosen 25 of 32 times
            for (int i = 0; token >= 1000 && i < n; i++) {
                foreseen += guessed[i] == 6 ? probabilities[i] : 0;
            }
            chosen += token >= 1000 && next == 6 ? 1 : 0;
            choose(estimator, 1, next);
        }
        assertEquals(chosen / 3000, foreseen / 3000, 0.03);
    }

    @Test
    void theLikeliestComeFirstAndNoneTwice() {
        UseEstimator estimator = new UseEstimator(IDS, 12);
        Random random = new Random(9);
        for (int token = 0; token < 300; token++) {
            choose(estimator, token % LAYERS, random.nextInt(3), 3 + random.nextInt(5));
            assertEquals(EXPERTS, estimator.likeliest((token + 1) % LAYERS, guessed, probabilities, EXPERTS));
            float[] sorted = probabilities.clone();
            Arrays.sort(sorted);
            for (int i = 0; i < EXPERTS; i++) {
                assertEquals(sorted[EXPERTS - 1 - i], probabilities[i]);
            }
            assertArrayEquals(
                    new int[] {0, 1, 2, 3, 4, 5, 6, 7},
                    Arrays.stream(guessed).sorted().toArray());
        }
        assertEquals(0, estimator.likeliest(0, guessed, probabilities, 0));
        assertEquals(0, estimator.likeliest(LAYERS, guessed, probabilities, 2), "a layer without experts");
    }

    @Test
    void guessesOnlyExpertsOfItsCache() {
        int[] odd =
                Arrays.stream(IDS).filter(id -> ExpertId.expertOf(id) % 2 == 1).toArray();
        UseEstimator estimator = new UseEstimator(odd, 6);
        choose(estimator, 0, 5);
        assertEquals(4, estimator.likeliest(1, guessed, probabilities, EXPERTS));
        int[] own = Arrays.copyOf(guessed, 4);
        Arrays.sort(own);
        assertArrayEquals(new int[] {1, 3, 5, 7}, own);
    }

    /// Of two experts of equal estimates, that is worth more whose layer comes sooner; a guess can only add.
    @Test
    void aGuessIsWorthWhatItsProbabilitySays() {
        UseEstimator estimator = new UseEstimator(IDS, 12);
        choose(estimator, 0, 1);
        int next = ExpertId.pack(1, 4);
        int later = ExpertId.pack(2, 4);
        assertTrue(estimator.worth(next) > estimator.worth(later));
        assertEquals(estimator.gamma() * estimator.worth(next), estimator.worthIf(next, 0), 1e-6);
        assertTrue(estimator.worthIf(next, 0.9) > estimator.worthIf(next, 0.6));
        assertTrue(estimator.worthIf(next, 1) > estimator.worth(ExpertId.pack(0, 1)));
    }

    @Test
    void aCacheHasOneAndItIsThatOfItsPolicy() {
        EvictionPolicy gate = Policies.of("gate").create(IDS, 12);
        assertSame(gate.estimator(), new ExpertCache(IDS, 12, gate).estimator());
        ExpertCache lru = new ExpertCache(IDS, 12, new LruPolicy(IDS));
        UseEstimator beside = lru.estimator();
        assertSame(beside, lru.estimator());
        assertNotSame(gate.estimator(), beside);
        int id = IDS[3];
        double before = beside.worth(id);
        for (int i = 0; i < 20; i++) {
            lru.decide(new int[] {id}, null, 1);
        }
        assertTrue(beside.worth(id) > before, "it hears of decisions");
    }

    /// A token of ten, each layer choosing by a rule of its own.
    private static void token(UseEstimator estimator, int token) {
        for (int layer = 0; layer < LAYERS; layer++) {
            estimator.worth(ExpertId.pack(layer, 0));
            estimator.likeliest(layer, new int[2], new float[2], 2);
            choose(estimator, layer, (token * (layer + 1)) % 7, 7);
        }
    }

    /// Copies of arrays, which are given back in the same order.
    private static final class Kept implements LearntArrays {
        private final Deque<Object> arrays = new ArrayDeque<>();
        private boolean gives;

        static Kept of(UseEstimator estimator) {
            Kept kept = new Kept();
            estimator.keep(kept);
            kept.gives = true;
            return kept;
        }

        private void carry(Object values, int n) {
            if (gives) {
                System.arraycopy(arrays.removeFirst(), 0, values, 0, n);
            } else {
                Object copy = Array.newInstance(values.getClass().getComponentType(), n);
                System.arraycopy(values, 0, copy, 0, n);
                arrays.addLast(copy);
            }
        }

        @Override
        public void carry(float[] values) {
            carry(values, values.length);
        }

        @Override
        public void carry(int[] values, int least, int most) {
            Arrays.stream(values).forEach(value -> assertTrue(value >= least && value <= most));
            carry(values, values.length);
        }

        @Override
        public void carry(short[] values, int n) {
            carry((Object) values, n);
        }
    }

    private static void takeUp(UseEstimator estimator, UseEstimator from) {
        estimator.check(from.keptBytes(), new LearntSize());
        estimator.takeUp(from.keptBytes(), Kept.of(from));
    }

    private static void assertKeepsTheSame(UseEstimator expected, UseEstimator actual) {
        assertArrayEquals(
                Kept.of(expected).arrays.toArray(), Kept.of(actual).arrays.toArray());
    }

    @Test
    void goesOnWithWhatAnotherHasLearnt() {
        UseEstimator first = new UseEstimator(IDS, 12);
        for (int token = 0; token < 700; token++) {
            token(first, token % 7);
        }
        UseEstimator next = new UseEstimator(IDS, 10);
        takeUp(next, first);
        UseEstimator fresh = new UseEstimator(IDS, 10);
        for (int token = 0; token < 2; token++) {
            token(next, token);
            token(fresh, token);
        }
        for (int layer = 0; layer < LAYERS; layer++) {
            int soon = ExpertId.pack(layer, 2 * (layer + 1) % 7);
            assertTrue(next.worth(soon) > fresh.worth(soon) + 0.1, next.worth(soon) + " and " + fresh.worth(soon));
        }
        next.likeliest(0, guessed, probabilities, 2);
        assertEquals(7 + 2, guessed[0] + guessed[1], Arrays.toString(guessed));
        fresh.likeliest(0, guessed, probabilities, 2);
        assertNotEquals(7 + 2, guessed[0] + guessed[1], Arrays.toString(guessed));
    }

    @Test
    void whatIsTakenUpIsWhatIsKept() {
        UseEstimator first = new UseEstimator(IDS, 12);
        for (int token = 0; token < 5; token++) {
            token(first, token);
        }
        UseEstimator next = new UseEstimator(IDS, 12);
        takeUp(next, first);
        assertKeepsTheSame(first, next);
    }

    @Test
    void keepsNothingIfItLearnsNothing() {
        UseEstimator estimator = new UseEstimator(IDS, 12);
        choose(estimator, 0, 1);
        assertEquals(0, estimator.keptBytes());
    }

    @Test
    void whatIsSomethingElseChangesNothing() {
        UseEstimator first = new UseEstimator(IDS, 12);
        token(first, 1);
        UseEstimator next = new UseEstimator(IDS, 12);
        next.worth(IDS[0]);
        UseEstimator before = new UseEstimator(IDS, 12);
        before.worth(IDS[0]);
        UseEstimator others = new UseEstimator(Clairvoyant.ids(LAYERS, EXPERTS - 1), 12);
        others.worth(IDS[0]);
        assertThrows(IllegalArgumentException.class, () -> takeUp(next, others));
        assertKeepsTheSame(before, next);
        token(next, 1);
        assertThrows(IllegalArgumentException.class, () -> takeUp(next, others));
        token(before, 1);
        assertKeepsTheSame(before, next);
    }

    @Test
    void whatIsTakenUpBetweenDecisionsReplacesWhatWasLearnt() {
        UseEstimator first = new UseEstimator(IDS, 12);
        UseEstimator next = new UseEstimator(IDS, 12);
        for (int i = 0; i < 4; i++) {
            token(first, 1);
            token(next, 2);
        }
        takeUp(next, first);
        assertKeepsTheSame(first, next);
        token(next, 2);
    }

    /// Beyond a size the least telling sources stay behind, and what is kept serves all the same.
    @Test
    void aLargeModelKeepsNoMoreThanHasRoom() {
        int[] ids = Clairvoyant.ids(60, 384);
        UseEstimator estimator = new UseEstimator(ids, 4000);
        estimator.likeliest(0, guessed, probabilities, 2);
        estimator.worth(ids[0]);
        assertTrue(estimator.keptBytes() < 64 << 20, estimator.keptBytes() + " bytes");
        takeUp(new UseEstimator(ids, 4000), estimator);
    }
}
