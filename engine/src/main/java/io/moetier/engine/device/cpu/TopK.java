package io.moetier.engine.device.cpu;

/// Softmax over all experts and the choice of the likeliest. Computed in double, so that every backend that rounds
/// honestly chooses the same experts.
final class TopK {
    private double[] likelihoods = new double[0];

    /// As [io.moetier.engine.device.Kernels#softmaxTopK] for one token.
    void choose(
            float[] logits, int at, int numExperts, int k, boolean renormalise, int[] ids, float[] weights, int to) {
        if (likelihoods.length < numExperts) {
            likelihoods = new double[numExperts];
        }
        double chosenSum = 0;
        softmax(logits, at, numExperts);
        for (int j = 0; j < k; j++) {
            int best = likeliest(numExperts);
            ids[to + j] = best;
            weights[to + j] = (float) likelihoods[best];
            chosenSum += likelihoods[best];
            likelihoods[best] = -1;
        }
        if (renormalise) {
            for (int j = 0; j < k; j++) {
                weights[to + j] = (float) (weights[to + j] / chosenSum);
            }
        }
    }

    private void softmax(float[] logits, int at, int numExperts) {
        float max = Float.NEGATIVE_INFINITY;
        for (int e = 0; e < numExperts; e++) {
            max = Math.max(max, logits[at + e]);
        }
        double sum = 0;
        for (int e = 0; e < numExperts; e++) {
            likelihoods[e] = Math.exp((double) logits[at + e] - max);
            sum += likelihoods[e];
        }
        for (int e = 0; e < numExperts; e++) {
            likelihoods[e] /= sum;
        }
    }

    /// Returns the lowest id among the likeliest. If logits are NaN, an arbitrary expert that was not chosen yet.
    private int likeliest(int numExperts) {
        int best = -1;
        for (int e = 0; e < numExperts; e++) {
            boolean chosen = likelihoods[e] < 0;
            if (!chosen && (best < 0 || likelihoods[e] > likelihoods[best])) {
                best = e;
            }
        }
        return best;
    }
}
