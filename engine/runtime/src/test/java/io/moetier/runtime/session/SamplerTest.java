package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.Largest;
import io.moetier.storage.model.MalformedModelException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SamplerTest {
    private static final float[] LOGITS = {0, 3, 1, 2, 3};

    @Test
    void greedyTakesTheMostProbableAndOfTwoTheFirst() {
        assertEquals(1, sampler(SamplingParams.GREEDY).sample(LOGITS));
    }

    @Test
    void theSameSeedDrawsTheSameTokens() {
        SamplingParams params = new SamplingParams(1, 0, 1, 0, 1, 64, 42);
        assertArrayEquals(draws(sampler(params), 100), draws(sampler(params), 100));
    }

    @Test
    void drawsFollowTheProbabilities() {
        int[] draws = draws(sampler(new SamplingParams(1, 0, 1, 0, 1, 64, 7)), 20_000);
        double sum = 1 + 2 * Math.exp(3) + Math.exp(1) + Math.exp(2);
        // four standard deviations of a binomial share of 20,000 draws
        double tolerance = 4 * Math.sqrt(0.25 / draws.length);
        assertEquals(Math.exp(3) / sum, share(draws, 4), tolerance);
        assertEquals(1 / sum, share(draws, 0), tolerance);
    }

    @Test
    void topKKeepsTheMostProbableAndOnTiesTheFirst() {
        assertEquals(Set.of(1, 4, 3), drawn(new SamplingParams(5, 3, 1, 0, 1, 64, 1)));
        assertEquals(Set.of(1), drawn(new SamplingParams(5, 1, 1, 0, 1, 64, 1)));
    }

    @Test
    void topPKeepsTheSmallestSetThatReachesIt() {
        assertEquals(Set.of(1, 4), drawn(new SamplingParams(5, 0, 0.7, 0, 1, 64, 1)));
    }

    @Test
    void minPDropsWhatIsImprobableBesideTheBest() {
        assertEquals(Set.of(1, 4, 3), drawn(new SamplingParams(5, 0, 1, 0.3, 1, 64, 1)));
    }

    @Test
    void repetitionIsPenalisedOncePerTokenAndOnlyWhileRecent() {
        Sampler sampler = sampler(new SamplingParams(0, 0, 1, 0, 2, 3, 1));
        sampler.accept(1);
        sampler.accept(1);
        assertEquals(4, sampler.sample(LOGITS));
        sampler.accept(4);
        assertEquals(3, sampler.sample(LOGITS));
        sampler.accept(3);
        sampler.accept(3);
        assertEquals(1, sampler.sample(LOGITS));
    }

    @Test
    void negativeLogitsArePenalisedDownwards() {
        Sampler sampler = sampler(new SamplingParams(0, 0, 1, 0, 2, 3, 1));
        sampler.accept(0);
        assertEquals(1, sampler.sample(new float[] {-1, -1.5f, -9, -9, -9}));
    }

    @Test
    void aPenaltyLeavesFiniteLogitsFinite() {
        for (double penalty : new double[] {1e-60, 1e60}) {
            Sampler sampler = sampler(new SamplingParams(0, 0, 1, 0, penalty, -1, 1));
            sampler.accept(0);
            sampler.accept(1);
            assertEquals(0, sampler.sample(new float[] {2, -1, -1e38f, -1e38f, -1e38f}));
        }
    }

    @Test
    void logitsAreLeftAsTheyAre() {
        float[] logits = LOGITS.clone();
        Sampler sampler = sampler(new SamplingParams(1, 2, 0.9, 0.1, 3, -1, 1));
        sampler.accept(1);
        sampler.sample(logits);
        assertArrayEquals(LOGITS, logits);
    }

    @Test
    void logitsThatAreNotNumbersAreRefused() {
        float infinite = Float.POSITIVE_INFINITY;
        for (SamplingParams params : List.of(SamplingParams.GREEDY, new SamplingParams(1, 2, 0.9, 0.1, 3, -1, 1))) {
            Sampler sampler = sampler(params);
            for (float[] bad : new float[][] {
                {0, 1, Float.NaN, 2, 3}, {0, 1, infinite, 2, 3}, {-infinite, -infinite, -infinite, -infinite, -infinite}
            }) {
                String message = String.valueOf(assertThrows(MalformedModelException.class, () -> sampler.sample(bad))
                        .getMessage());
                assertEquals("the model computed logits that are not numbers; its weights may be damaged", message);
            }
            assertEquals(1, sampler.sample(new float[] {-infinite, 1, -infinite, -infinite, -infinite}));
        }
    }

    @Test
    void suppressedTokensAreNeverDrawn() {
        for (SamplingParams params : List.of(
                SamplingParams.GREEDY,
                new SamplingParams(5, 2, 1, 0, 1, 64, 1),
                new SamplingParams(0, 2, 1, 0, 2, 64, 1))) {
            Sampler sampler = new Sampler(params, LOGITS.length, 100, Set.of(1, 3));
            sampler.accept(2);
            Set<Integer> drawn = new HashSet<>();
            for (int i = 0; i < 1000; i++) {
                drawn.add(sampler.sample(LOGITS));
            }
            assertEquals(params.temperature() == 0 ? Set.of(4) : Set.of(4, 2), drawn, "top-k counts the others");
        }
        float[] logits = {1, 2, Float.NEGATIVE_INFINITY};
        for (Set<Integer> suppressed : List.of(Set.of(0, 1, 2), Set.of(0, 1))) {
            Sampler none = new Sampler(SamplingParams.DEFAULT, logits.length, 100, suppressed);
            assertEquals(
                    "suppress_tokens of the model names every token that could come next",
                    assertThrows(MalformedModelException.class, () -> none.sample(logits))
                            .getMessage());
        }
    }

    @Test
    void fewCandidatesAreEnoughBesideSuppressedTokens() {
        float[] logits = new float[1000];
        Random random = new Random(5);
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian();
        }
        Largest candidates = new Largest();
        candidates.find(logits, 0, logits.length, 3);
        Set<Integer> best = Set.of(candidates.index(0), candidates.index(1));
        Sampler fromAll = new Sampler(SamplingParams.DEFAULT, logits.length, 100, best);
        Sampler fromFew = new Sampler(SamplingParams.DEFAULT, logits.length, 100, best);
        assertEquals(42, fromFew.numCandidates());
        candidates.find(logits, 0, logits.length, fromFew.numCandidates());
        for (int i = 0; i < 100; i++) {
            assertEquals(fromAll.sample(logits), fromFew.sample(candidates));
        }
        assertEquals(42, candidates.size(), "the session's, which others may ask for");
    }

    @Test
    void fewCandidatesAreEnoughUnlessAllLogitsCount() {
        float[] logits = new float[1000];
        Random random = new Random(4);
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian();
        }
        for (SamplingParams params : List.of(SamplingParams.GREEDY, SamplingParams.DEFAULT)) {
            Sampler fromAll = new Sampler(params, logits.length, 100);
            Sampler fromFew = new Sampler(params, logits.length, 100);
            Largest candidates = new Largest();
            candidates.find(logits, 0, logits.length, fromFew.numCandidates());
            for (int i = 0; i < 100; i++) {
                assertEquals(fromAll.sample(logits), fromFew.sample(candidates));
            }
        }
        assertEquals(1, sampler(SamplingParams.GREEDY).numCandidates());
        assertEquals(
                LOGITS.length, sampler(new SamplingParams(1, 0, 1, 0, 1, 64, 0)).numCandidates());
        assertEquals(0, sampler(new SamplingParams(1, 40, 1, 0, 1.1, 64, 0)).numCandidates());
        assertEquals(0, new Sampler(new SamplingParams(1, 0, 1, 0, 1, 64, 0), 1000, 100).numCandidates());
    }

    @Test
    void aTopPOfOneKeepsWhatOnlyTheTemperatureMakesProbable() {
        Sampler sampler = new Sampler(new SamplingParams(1000, 0, 1, 0, 1, 64, 0), 2, 100);
        float[] logits = {0, -100}; // to a double, the probability of the first is 1
        int[] counts = new int[2];
        for (int i = 0; i < 100; i++) {
            counts[sampler.sample(logits)]++;
        }
        assertTrue(counts[0] > 25 && counts[1] > 25, Arrays.toString(counts));
    }

    @Test
    void moreTokensThanAContextHoldsAreTheWholeContext() {
        Sampler sampler = sampler(new SamplingParams(0, 0, 1, 0, 2, Integer.MAX_VALUE, 0));
        int best = sampler.sample(LOGITS);
        sampler.accept(best);
        assertNotEquals(best, sampler.sample(LOGITS));
    }

    @Test
    void impossibleParametersAreNamed() {
        String message = String.valueOf(
                assertThrows(IllegalArgumentException.class, () -> new SamplingParams(1, 40, 1.5, 0, 1, 64, 0))
                        .getMessage());
        assertTrue(message.equals("topP: expected above 0 and at most 1, found 1.5"), message);
    }

    private static Sampler sampler(SamplingParams params) {
        return new Sampler(params, LOGITS.length, 100);
    }

    private static int[] draws(Sampler sampler, int count) {
        return IntStream.range(0, count).map(i -> sampler.sample(LOGITS)).toArray();
    }

    private static Set<Integer> drawn(SamplingParams params) {
        return IntStream.of(draws(sampler(params), 2000)).boxed().collect(Collectors.toSet());
    }

    private static double share(int[] draws, int token) {
        return IntStream.of(draws).filter(draw -> draw == token).count() / (double) draws.length;
    }
}
