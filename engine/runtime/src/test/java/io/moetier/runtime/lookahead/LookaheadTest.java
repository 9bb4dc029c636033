package io.moetier.runtime.lookahead;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LookaheadTest {
    private final Lookahead lookahead = new Lookahead(3, 8, 2);

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

    @Test
    void theTokenBeforeIsRightWhereALayerChoosesTheSame() {
        token(new int[] {1, 2}, new int[] {3, 4}, new int[] {5, 6});
        assertEquals(List.of(), lookahead.recall(), "there was nothing to guess from");
        token(new int[] {2, 1}, new int[] {3, 7}, new int[] {0, 1});
        assertEquals(new Recall(Guesser.PREVIOUS_TOKEN, -1, 3, 6), recall(Guesser.PREVIOUS_TOKEN));
        assertEquals(
                List.of(
                        new Recall(Guesser.PREVIOUS_TOKEN, 0, 2, 2),
                        new Recall(Guesser.PREVIOUS_TOKEN, 1, 1, 2),
                        new Recall(Guesser.PREVIOUS_TOKEN, 2, 0, 2)),
                lookahead.recallByLayer().stream()
                        .filter(recall -> recall.guesser() == Guesser.PREVIOUS_TOKEN)
                        .toList());
    }

    @Test
    void choicesOfNoExpertAreNoneToGuess() {
        token(new int[] {-1, 2}, new int[] {-1, -1}, new int[] {5, -1});
        token(new int[] {2, 1}, new int[] {3, -1}, new int[] {-1, 5});
        assertEquals(
                List.of(new Recall(Guesser.PREVIOUS_TOKEN, 0, 1, 2), new Recall(Guesser.PREVIOUS_TOKEN, 2, 1, 1)),
                lookahead.recallByLayer().stream()
                        .filter(recall -> recall.guesser() == Guesser.PREVIOUS_TOKEN)
                        .toList());
    }

    /// A layer's choice is a function of that of the layer before, and no token is like the one before it.
    @Test
    void transitionsLearnWhatFollowsWhat() {
        for (int token = 0; token < 100; token++) {
            int a = token % 4;
            token(new int[] {a, a + 4}, new int[] {7 - a, 3 - a}, new int[] {a, a + 4});
        }
        assertTrue(
                recall(Guesser.TRANSITIONS).share() > 0.9,
                () -> recall(Guesser.TRANSITIONS).toString());
        assertEquals(0, recall(Guesser.PREVIOUS_TOKEN).share());
        int[] experts = new int[2];
        float[] likelihoods = new float[2];
        lookahead.onDecision(0, new int[] {2, 6}, 2);
        assertEquals(2, lookahead.bestGuess(1, experts, likelihoods));
        Arrays.sort(experts);
        assertArrayEquals(new int[] {1, 5}, experts);
        assertTrue(likelihoods[0] > 0.9 && likelihoods[0] <= 1, Arrays.toString(likelihoods));
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
            lookahead.onDecision(0, new int[] {1, 2}, 2);
            assertEquals(0, lookahead.bestGuess(1, experts, likelihoods));
            lookahead.onDecision(1, new int[] {3, 4}, 2);
        }
        token(new int[] {1, 2}, new int[] {3, 4});
        token(new int[] {1, 2}, new int[] {3, 4});
        token(new int[] {1, 2}, new int[] {3, 4});
        lookahead.onDecision(0, new int[] {1, 2}, 2);
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
