package io.moetier.engine.device.cpu;

import io.moetier.engine.device.Routing;

/// Softmax over all experts and the choice of the likeliest. Computed in double, so that every backend that rounds
/// honestly chooses the same experts.
final class TopK {
    /// An exponential takes about as long as so many bytes from memory.
    private static final long WORK = 64;

    private final WorkerPool pool;
    private final WorkerPool.Job choose = this::choose;
    private final double[][] likelihoods; // of each thread
    private float[] logits = new float[0];
    private int n;
    private int numExperts;
    private int k;
    private boolean renormalise;
    private int[] ids = new int[0];
    private float[] weights = logits;
    private int parts;

    TopK(WorkerPool pool) {
        this.pool = pool;
        likelihoods = new double[pool.threads()][0];
    }

    /// As [io.moetier.engine.device.Kernels#route].
    void run(float[] logits, int n, Routing routing, int[] ids, float[] weights) {
        this.logits = logits;
        this.n = n;
        this.numExperts = routing.numExperts();
        this.k = routing.numExpertsPerToken();
        this.renormalise = routing.renormalise();
        this.ids = ids;
        this.weights = weights;
        this.parts = Partition.parts(pool.threads(), n, WORK * n * numExperts);
        pool.run(choose, parts);
    }

    private void choose(int part, int worker) {
        if (likelihoods[worker].length < numExperts) {
            likelihoods[worker] = new double[numExperts];
        }
        int end = Partition.bound(part + 1, parts, n);
        for (int token = Partition.bound(part, parts, n); token < end; token++) {
            choose(token * numExperts, token * k, likelihoods[worker]);
        }
    }

    private void choose(int at, int to, double[] likelihoods) {
        double chosenSum = 0;
        softmax(at, likelihoods);
        for (int j = 0; j < k; j++) {
            int best = likeliest(likelihoods);
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

    private void softmax(int at, double[] likelihoods) {
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
    private int likeliest(double[] likelihoods) {
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
