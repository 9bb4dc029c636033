package io.moetier.runtime.lookahead;

/// Guesses that a layer chooses what it chose for the token before.
final class PreviousToken implements ExpertPredictor {
    private final int[][] chosen; // [layers][most experts of a token]
    private final int[] count;

    PreviousToken(int numLayers, int mostChosen) {
        chosen = new int[numLayers][mostChosen];
        count = new int[numLayers];
    }

    @Override
    public void onDecision(int layer, int[] experts, int k) {
        System.arraycopy(experts, 0, chosen[layer], 0, k);
        count[layer] = k;
    }

    @Override
    public int predict(int layer, int[] to, int k) {
        int n = Math.min(k, count[layer]);
        System.arraycopy(chosen[layer], 0, to, 0, n);
        return n;
    }
}
