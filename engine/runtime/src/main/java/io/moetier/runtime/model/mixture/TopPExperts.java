package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.Routing;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.runtime.option.InvalidOptionException;
import java.util.Optional;

/// Keeps of a token's experts as few as have a share of the router's probability, and drops the others.
final class TopPExperts {
    private final Routing routing;
    private final double share;

    /// @throws IllegalArgumentException if the scores of `routing` are no probabilities
    TopPExperts(Routing routing, double share) {
        if (!(routing.score() instanceof Routing.Softmax)) {
            throw new InvalidOptionException(
                    "topPExperts", "needs a router whose scores are probabilities (softmax), and this one's are not");
        }
        this.routing = routing;
        this.share = share;
    }

    /// Returns the rule that gives probabilities as they are, for [#keep].
    Routing probabilities() {
        return new Routing(
                routing.numExperts(),
                routing.numExpertsPerToken(),
                routing.score(),
                routing.groups(),
                Optional.empty(),
                1);
    }

    /// Makes weights of the probabilities `[n, k]`, which fall, and -1 with weight 0 of what is dropped.
    void keep(int[] ids, float[] weights, int n) {
        int k = routing.numExpertsPerToken();
        for (int token = 0; token < n; token++) {
            int end = (token + 1) * k;
            int kept = token * k;
            double mass = 0;
            do {
                mass += weights[kept++];
            } while (kept < end && mass < share);
            weigh(weights, token * k, kept);
            for (; kept < end; kept++) {
                ids[kept] = -1;
                weights[kept] = 0;
            }
        }
    }

    private void weigh(float[] weights, int from, int to) {
        double divisor = routing.normalisation()
                .map(normalisation -> divisor(normalisation, weights, from, to))
                .orElse(1.0);
        for (int i = from; i < to; i++) {
            weights[i] = (float) (weights[i] / divisor * routing.factor());
        }
    }

    private static double divisor(Normalisation normalisation, float[] weights, int from, int to) {
        double sum = 0;
        for (int i = from; i < to; i++) {
            sum += Math.pow(weights[i], normalisation.order());
        }
        return Math.max(Math.pow(sum, 1 / normalisation.order()) + normalisation.epsilon(), normalisation.least());
    }
}
