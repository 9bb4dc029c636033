package io.moetier.runtime.lookahead;

import java.util.Arrays;

/// Guesses from the layer before, within one token: how often each expert was chosen after each of those that the layer
/// before has chosen.
///
/// Memory: a byte for each pair of experts of neighbouring layers. A row is halved when one of its counts is full, so
/// that the last few hundred tokens count most.
final class Transitions implements ExpertPredictor {
    private static final int FULL = 127;

    private final int numExperts;
    private final byte[][] counts; // [layers - 1][from * numExperts + to]
    private final int[] before; // chosen by the layer before
    private final float[] scores;
    private int beforeLayer = -1;
    private int numBefore;

    Transitions(int numLayers, int numExperts, int mostChosen) {
        this.numExperts = numExperts;
        counts = new byte[Math.max(0, numLayers - 1)][numExperts * numExperts];
        before = new int[mostChosen];
        scores = new float[numExperts];
    }

    @Override
    public void onDecision(int layer, int[] experts, int k) {
        if (layer > 0 && beforeLayer == layer - 1) {
            for (int i = 0; i < numBefore; i++) {
                count(counts[layer - 1], before[i] * numExperts, experts, k);
            }
        }
        System.arraycopy(experts, 0, before, 0, k);
        numBefore = k;
        beforeLayer = layer;
    }

    @Override
    public int predict(int layer, int[] to, int k) {
        if (layer == 0 || beforeLayer != layer - 1) {
            return 0;
        }
        Arrays.fill(scores, 0);
        for (int i = 0; i < numBefore; i++) {
            addShares(counts[layer - 1], before[i] * numExperts);
        }
        int n = 0;
        for (int best = likeliest(); n < k && scores[best] > 0; best = likeliest()) {
            to[n++] = best;
            scores[best] = 0;
        }
        return n;
    }

    private void count(byte[] row, int at, int[] experts, int k) {
        boolean full = false;
        for (int j = 0; j < k; j++) {
            full |= ++row[at + experts[j]] == FULL;
        }
        for (int expert = 0; full && expert < numExperts; expert++) {
            row[at + expert] = (byte) (row[at + expert] / 2);
        }
    }

    private void addShares(byte[] row, int at) {
        int sum = 0;
        for (int expert = 0; expert < numExperts; expert++) {
            sum += row[at + expert];
        }
        for (int expert = 0; sum > 0 && expert < numExperts; expert++) {
            scores[expert] += (float) row[at + expert] / sum;
        }
    }

    private int likeliest() {
        int best = 0;
        for (int expert = 1; expert < numExperts; expert++) {
            if (scores[expert] > scores[best]) {
                best = expert;
            }
        }
        return best;
    }
}
