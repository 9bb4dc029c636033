package io.moetier.kernels.device;

import io.moetier.kernels.device.Routing.Groups;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.device.Routing.Sigmoid;
import io.moetier.kernels.device.Routing.Softmax;
import io.moetier.kernels.device.Routing.SparseMixer;
import io.moetier.kernels.device.Routing.SqrtSoftplus;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Chooses the experts of one token after another. Computed in double, so that every backend that rounds honestly
/// chooses the same experts.
///
/// Every tie goes to the lower id. If logits are NaN, arbitrary experts are chosen, each once.
public final class ExpertChoice {
    private double[] scores = new double[0];
    private double[] ranks = new double[0]; // what is compared: scores, corrected, or less outside the best groups
    private boolean[] taken = new boolean[0];
    private double[] chosen = new double[0]; // scores of the chosen
    private double[] groupRanks = new double[0];

    /// Reads the logits from `at` on, and writes ids and weights from `to` on.
    public void choose(
            Routing routing,
            float[] logits,
            int at,
            float @Nullable [] correction,
            int[] ids,
            float[] weights,
            int to) {
        int n = routing.numExperts();
        int k = routing.numExpertsPerToken();
        reserve(n, k, routing.groups().count());
        if (routing.score() instanceof SparseMixer mixer) {
            mix(mixer, logits, at, n, k, ids, to);
        } else {
            score(routing, logits, at);
            take(routing, correction, ids, to);
        }
        weigh(routing, weights, to);
    }

    /// Reads the logits from `at` on, puts the experts that `ids` has from `to` on in the order of their weights, and
    /// writes these.
    public void weigh(Routing routing, float[] logits, int at, int[] ids, float[] weights, int to) {
        int k = routing.numExpertsPerToken();
        reserve(routing.numExperts(), k, routing.groups().count());
        score(routing, logits, at);
        for (int j = 0; j < k; j++) {
            insert(ids[to + j], ids, to, j);
        }
        weigh(routing, weights, to);
    }

    private void score(Routing routing, float[] logits, int at) {
        int n = routing.numExperts();
        switch (routing.score()) {
            case Softmax() -> softmax(logits, at, n);
            case Sigmoid() -> sigmoid(logits, at, n);
            case SqrtSoftplus() -> sqrtSoftplus(logits, at, n);
            case SparseMixer mixer -> throw new IllegalArgumentException("scores come with choices: " + mixer);
        }
    }

    private void reserve(int n, int k, int numGroups) {
        if (scores.length < n) {
            scores = new double[n];
            ranks = new double[n];
            taken = new boolean[n];
        }
        if (chosen.length < k) {
            chosen = new double[k];
        }
        if (groupRanks.length < numGroups) {
            groupRanks = new double[numGroups];
        }
    }

    private void softmax(float[] logits, int at, int n) {
        float max = Float.NEGATIVE_INFINITY;
        for (int e = 0; e < n; e++) {
            max = Math.max(max, logits[at + e]);
        }
        double sum = 0;
        for (int e = 0; e < n; e++) {
            scores[e] = Math.exp((double) logits[at + e] - max);
            sum += scores[e];
        }
        for (int e = 0; e < n; e++) {
            scores[e] /= sum;
        }
    }

    private void sigmoid(float[] logits, int at, int n) {
        for (int e = 0; e < n; e++) {
            scores[e] = 1 / (1 + Math.exp(-(double) logits[at + e]));
        }
    }

    private void sqrtSoftplus(float[] logits, int at, int n) {
        for (int e = 0; e < n; e++) {
            double logit = logits[at + e];
            scores[e] = Math.sqrt(Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))));
        }
    }

    private void take(Routing routing, float @Nullable [] correction, int[] ids, int to) {
        int n = routing.numExperts();
        int k = routing.numExpertsPerToken();
        for (int e = 0; e < n; e++) {
            ranks[e] = correction == null ? scores[e] : scores[e] + correction[e];
        }
        if (routing.groups().count() > 1) {
            keepBestGroups(routing.groups(), n);
        }
        Arrays.fill(taken, 0, n, false);
        for (int j = 0; j < k; j++) {
            int best = largest(ranks, n);
            taken[best] = true;
            insert(best, ids, to, j);
        }
    }

    /// Puts the `j`-th choice in its place by falling score.
    private void insert(int expert, int[] ids, int to, int j) {
        int place = j;
        while (place > 0 && isBefore(expert, scores[expert], ids[to + place - 1], chosen[place - 1])) {
            ids[to + place] = ids[to + place - 1];
            chosen[place] = chosen[place - 1];
            place--;
        }
        ids[to + place] = expert;
        chosen[place] = scores[expert];
    }

    private static boolean isBefore(int expert, double score, int otherExpert, double otherScore) {
        return score > otherScore || (score == otherScore && expert < otherExpert);
    }

    private void keepBestGroups(Groups groups, int n) {
        int size = n / groups.count();
        for (int g = 0; g < groups.count(); g++) {
            groupRanks[g] = rank(groups.rank(), g * size, size);
        }
        Arrays.fill(taken, 0, groups.count(), false);
        for (int i = 0; i < groups.chosen(); i++) {
            taken[largest(groupRanks, groups.count())] = true;
        }
        for (int e = 0; e < n; e++) {
            if (!taken[e / size]) {
                ranks[e] = groups.exclusive() ? Double.NEGATIVE_INFINITY : 0;
            }
        }
    }

    private double rank(Groups.Rank rank, int from, int size) {
        double best = Double.NEGATIVE_INFINITY;
        double second = Double.NEGATIVE_INFINITY;
        for (int e = from; e < from + size; e++) {
            second = Math.max(second, Math.min(best, ranks[e]));
            best = Math.max(best, ranks[e]);
        }
        return switch (rank) {
            case BEST -> best;
            case SUM_OF_TWO -> best + second;
        };
    }

    private void mix(SparseMixer mixer, float[] logits, int at, int n, int k, int[] ids, int to) {
        for (int e = 0; e < n; e++) {
            ranks[e] = logits[at + e];
        }
        Arrays.fill(taken, 0, n, false);
        for (int j = 0; j < k; j++) {
            int best = largest(ranks, n);
            chosen[j] = 1 / sumOfNear(ranks[best], 2 * mixer.epsilon(), n);
            taken[best] = true;
            ids[to + j] = best;
        }
    }

    /// Sums the exponentials of the logits that are left and near the largest, relative to its own.
    private double sumOfNear(double max, double margin, int n) {
        double sum = 0;
        for (int e = 0; e < n; e++) {
            boolean far = (max - ranks[e]) / Math.max(Math.abs(ranks[e]), max) > margin;
            if (!taken[e] && !far) {
                sum += Math.exp(ranks[e] - max);
            }
        }
        return sum;
    }

    private void weigh(Routing routing, float[] weights, int to) {
        int k = routing.numExpertsPerToken();
        double divisor = 1;
        if (routing.normalisation().isPresent()) {
            divisor = divisor(routing.normalisation().get(), k);
        }
        for (int j = 0; j < k; j++) {
            weights[to + j] = (float) (chosen[j] / divisor * routing.factor());
        }
    }

    private double divisor(Normalisation by, int k) {
        double sum = 0;
        for (int j = 0; j < k; j++) {
            sum += by.order() == 1 ? chosen[j] : Math.pow(chosen[j], by.order());
        }
        double norm = by.order() == 1 ? sum : Math.pow(sum, 1 / by.order());
        return Math.max(norm + by.epsilon(), by.least());
    }

    /// Returns the lowest index of the largest value that is not taken.
    private int largest(double[] values, int n) {
        int best = -1;
        for (int i = 0; i < n; i++) {
            if (!taken[i] && (best < 0 || values[i] > values[best])) {
                best = i;
            }
        }
        return best;
    }
}
