package io.moetier.runtime.lookahead;

import java.util.ArrayList;
import java.util.List;

/// Collects guesses of what layers will choose, and compares them with what they choose.
///
/// Guesses nothing itself. Layers are those with experts, counted from 0; the likeliest of a guess is its first.
/// Routers say which experts, not how likely each is: that is how often their guesses of its rank were right. Sessions
/// of one engine share one: their turns only make guesses worse. Confined to one thread at a time; allocates nothing
/// while tokens are computed.
public final class Lookahead {
    /// How many layers ahead routers guess at most.
    public static final int MOST_DISTANCE = 3;

    /// Choices that must have been compared before a share of them is relied on.
    private static final int ENOUGH = 64;

    private static final Guesser[] GUESSERS = Guesser.values();

    private final int numLayers;
    private final Pending[][] pending; // [guessers][layers]
    private final long[][] guessed; // [guessers][layers]
    private final long[][] chosen; // [guessers][layers]
    private final long[][] rightAt; // [guessers][ranks]
    private final long[][] madeAt; // [guessers][ranks]
    private final int[] decided; // by the layer under way

    /// A guess that waits for its layer.
    private static final class Pending {
        private final int[] experts;
        private final float[] likelihoods;
        private boolean isLikelihoodKnown;
        private int n;

        private Pending(int mostChosen) {
            experts = new int[mostChosen];
            likelihoods = new float[mostChosen];
        }
    }

    /// @param numLayers layers with experts
    /// @param mostChosen the most experts that a token chooses in one of them
    public Lookahead(int numLayers, int mostChosen) {
        this.numLayers = numLayers;
        pending = new Pending[GUESSERS.length][numLayers];
        for (Pending[] ofGuesser : pending) {
            for (int layer = 0; layer < numLayers; layer++) {
                ofGuesser[layer] = new Pending(mostChosen);
            }
        }
        guessed = new long[GUESSERS.length][numLayers];
        chosen = new long[GUESSERS.length][numLayers];
        rightAt = new long[GUESSERS.length][mostChosen];
        madeAt = new long[GUESSERS.length][mostChosen];
        decided = new int[mostChosen];
    }

    /// Records what `layer` chose for one token, `experts[0..k)`. An expert of -1 is none.
    public void onDecision(int layer, int[] experts, int k) {
        int n = copy(experts, k, decided);
        for (int g = 0; g < GUESSERS.length; g++) {
            compare(g, layer, decided, n);
        }
    }

    /// Records what a router guesses for `layer`: `experts[0..n)`, the likeliest first. An expert of -1 is
    /// none.
    public void onGuess(Guesser router, int layer, int[] experts, int n) {
        Pending guess = pending(router, layer);
        guess.n = copy(experts, n, guess.experts);
        guess.isLikelihoodKnown = false;
    }

    /// Records what somebody guesses for `layer` who knows how likely each expert is.
    public void onGuess(Guesser guesser, int layer, int[] experts, float[] likelihoods, int n) {
        Pending guess = pending(guesser, layer);
        System.arraycopy(experts, 0, guess.experts, 0, n);
        System.arraycopy(likelihoods, 0, guess.likelihoods, 0, n);
        guess.n = n;
        guess.isLikelihoodKnown = true;
    }

    @SuppressWarnings("EnumOrdinal") // the guesses of each guesser are an array
    private Pending pending(Guesser guesser, int layer) {
        return pending[guesser.ordinal()][layer];
    }

    /// Writes the guess for `layer` that was right most often in that layer to `to`, the likeliest expert first, with
    /// how likely each is by what was seen so far, and returns how many experts it has; 0 if no guesser has been
    /// compared often enough.
    public int bestGuess(int layer, int[] to, float[] likelihoods) {
        int best = -1;
        for (int g = 0; g < GUESSERS.length; g++) {
            if (pending[g][layer].n > 0
                    && chosen[g][layer] >= ENOUGH
                    && (best < 0 || share(g, layer) > share(best, layer))) {
                best = g;
            }
        }
        if (best < 0) {
            return 0;
        }
        Pending guess = pending[best][layer];
        for (int rank = 0; rank < guess.n; rank++) {
            to[rank] = guess.experts[rank];
            likelihoods[rank] = guess.isLikelihoodKnown
                    ? guess.likelihoods[rank]
                    : (float) rightAt[best][rank] / Math.max(1, madeAt[best][rank]);
        }
        return guess.n;
    }

    /// Returns the recall of each guesser that has guessed, over all layers.
    public List<Recall> recall() {
        List<Recall> all = new ArrayList<>();
        for (int g = 0; g < GUESSERS.length; g++) {
            long right = 0;
            long of = 0;
            for (int layer = 0; layer < numLayers; layer++) {
                right += guessed[g][layer];
                of += chosen[g][layer];
            }
            if (of > 0) {
                all.add(new Recall(GUESSERS[g], -1, right, of));
            }
        }
        return all;
    }

    /// Returns the recall of each guesser in each layer that it has guessed.
    public List<Recall> recallByLayer() {
        List<Recall> all = new ArrayList<>();
        for (int layer = 0; layer < numLayers; layer++) {
            for (int g = 0; g < GUESSERS.length; g++) {
                if (chosen[g][layer] > 0) {
                    all.add(new Recall(GUESSERS[g], layer, guessed[g][layer], chosen[g][layer]));
                }
            }
        }
        return all;
    }

    private double share(int g, int layer) {
        return (double) guessed[g][layer] / chosen[g][layer];
    }

    private void compare(int g, int layer, int[] experts, int k) {
        Pending guess = pending[g][layer];
        for (int rank = 0; rank < guess.n; rank++) {
            boolean right = contains(experts, k, guess.experts[rank]);
            madeAt[g][rank]++;
            rightAt[g][rank] += right ? 1 : 0;
            guessed[g][layer] += right ? 1 : 0;
        }
        chosen[g][layer] += guess.n > 0 ? k : 0;
        guess.n = 0;
    }

    /// Copies the experts that there are, and returns how many.
    private static int copy(int[] experts, int k, int[] to) {
        int n = 0;
        for (int j = 0; j < k; j++) {
            if (experts[j] >= 0) {
                to[n++] = experts[j];
            }
        }
        return n;
    }

    private static boolean contains(int[] experts, int k, int expert) {
        for (int j = 0; j < k; j++) {
            if (experts[j] == expert) {
                return true;
            }
        }
        return false;
    }
}
