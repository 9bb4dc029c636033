package io.moetier.runtime.lookahead;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LookaheadTest {
    private final Lookahead lookahead = new Lookahead(3, 2);

    private Recall recall(Guesser guesser) {
        return lookahead.recall().stream()
                .filter(recall -> recall.guesser() == guesser)
                .findFirst()
                .orElseThrow();
    }

    private void token(int[]... layers) {
        for (int layer = 0; layer < layers.length; layer++) {
            lookahead.onDecision(layer, layers[layer], layers[layer].length);
        }
    }

    private void guess(int layer, int... experts) {
        lookahead.onGuess(Guesser.ROUTER_1, layer, experts, experts.length);
    }

    @Test
    void aGuessIsRightAsFarAsItsLayerChoosesTheSame() {
        token(new int[] {1, 2}, new int[] {3, 4}, new int[] {5, 6});
        assertEquals(List.of(), lookahead.recall(), "nothing was guessed");
        guess(0, 1, 2);
        guess(1, 3, 4);
        guess(2, 5, 6);
        token(new int[] {2, 1}, new int[] {3, 7}, new int[] {0, 1});
        assertEquals(List.of(new Recall(Guesser.ROUTER_1, -1, 3, 6)), lookahead.recall());
        assertEquals(
                List.of(
                        new Recall(Guesser.ROUTER_1, 0, 2, 2),
                        new Recall(Guesser.ROUTER_1, 1, 1, 2),
                        new Recall(Guesser.ROUTER_1, 2, 0, 2)),
                lookahead.recallByLayer());
    }

    @Test
    void choicesOfNoExpertAreNoneToGuess() {
        guess(0, -1, 2);
        guess(1, -1, -1);
        guess(2, 5, -1);
        token(new int[] {2, 1}, new int[] {3, -1}, new int[] {-1, 5});
        assertEquals(
                List.of(new Recall(Guesser.ROUTER_1, 0, 1, 2), new Recall(Guesser.ROUTER_1, 2, 1, 1)),
                lookahead.recallByLayer());
    }

    /// Where a guesser knows how likely an expert is, that is believed, and not how often its rank was right.
    @Test
    void likelihoodsOfAGuesserAreItsOwn() {
        int[] experts = new int[2];
        float[] likelihoods = new float[2];
        for (int token = 0; token < 40; token++) {
            lookahead.onGuess(Guesser.CHOICES, 1, new int[] {3, 4}, new float[] {0.75f, 0.25f}, 2);
            lookahead.onDecision(1, new int[] {3, 4}, 2);
        }
        lookahead.onGuess(Guesser.CHOICES, 1, new int[] {5}, new float[] {0.375f}, 1);
        assertEquals(1, lookahead.bestGuess(1, experts, likelihoods));
        assertEquals(5, experts[0]);
        assertEquals(0.375f, likelihoods[0]);
    }

    @Test
    void aRoutersGuessCountsOnceAndAtItsDistance() {
        lookahead.onGuess(Guesser.ROUTER_2, 2, new int[] {5, 3}, 2);
        token(new int[] {1, 2}, new int[] {3, 4}, new int[] {5, 6});
        token(new int[] {1, 2}, new int[] {3, 4}, new int[] {5, 6});
        assertEquals(new Recall(Guesser.ROUTER_2, -1, 1, 2), recall(Guesser.ROUTER_2));
        assertEquals(2, Guesser.ROUTER_2.distance());
        assertThrows(IllegalArgumentException.class, () -> Guesser.router(4));
    }

    @Test
    void nothingIsRecommendedBeforeEnoughWasCompared() {
        int[] experts = new int[2];
        float[] likelihoods = new float[2];
        for (int token = 0; token < 30; token++) {
            guess(1, 3, 4);
            assertEquals(0, lookahead.bestGuess(1, experts, likelihoods));
            lookahead.onDecision(1, new int[] {3, 4}, 2);
        }
        for (int token = 0; token < 3; token++) {
            guess(1, 3, 4);
            token(new int[] {1, 2}, new int[] {3, 4});
        }
        guess(1, 3, 4);
        assertEquals(2, lookahead.bestGuess(1, experts, likelihoods));
    }

    /// The likelihood of a rank is the share of guesses of that rank that were right.
    @Test
    void likelihoodsAreWhatWasSeen() {
        Random random = new Random(20261126);
        for (int token = 0; token < 2000; token++) {
            int second = random.nextInt(4) == 0 ? 4 : 5;
            lookahead.onGuess(Guesser.ROUTER_1, 1, new int[] {3, 4}, 2);
            token(new int[] {random.nextInt(8)}, new int[] {3, second}, new int[] {random.nextInt(8)});
        }
        lookahead.onGuess(Guesser.ROUTER_1, 1, new int[] {3, 4}, 2);
        int[] experts = new int[2];
        float[] likelihoods = new float[2];
        assertEquals(2, lookahead.bestGuess(1, experts, likelihoods));
        assertTrue(likelihoods[0] == 1f, Arrays.toString(likelihoods));
        assertTrue(likelihoods[1] > 0.2f && likelihoods[1] < 0.8f, Arrays.toString(likelihoods));
    }
}
